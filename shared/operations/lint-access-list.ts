import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { accessListName, beingMade, lintAnswer } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const lintAccessList = defineOperation({
  id: 'lint-access-list',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/lint',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'What is odd about the entries of an access list',
  description:
    'Of enabled entries: those that another covers (COVERED), networks beside each other that are one (MERGEABLE), on inbound ranges from which no client connects (NOT_PUBLIC), and networks of all addresses (MATCHES_EVERYTHING). Made once for a list as it is; 202 with `Retry-After` until it is there.',
  params: z.strictObject({ scannerId, list: accessListName }),
  returns: { 200: lintAnswer, 202: beingMade },
  errors: ['NOT_FOUND'],
});
