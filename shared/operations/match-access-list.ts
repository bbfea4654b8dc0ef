import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { accessListName, matchAnswer } from '../schemas/lists.ts';
import { clientProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const matchAccessList = defineOperation({
  id: 'match-access-list',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/match',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'Whether a client would be accepted, and by which entries',
  description:
    'As desired, and as the Scanner last applied it (null before it has). `name` is the verified reverse name of the client; without it, where domains could decide, `accepted` is null and the reason NAME_NEEDED. Reasons: LISTED, NOT_LISTED, ONLY_DISABLED, NAME_NEEDED, ACCEPTS_ALL, SECTION_ABSENT, SECTION_DISABLED, SMTP_NOT_CONFIGURED and, of what is applied, REVISION_GONE. An IPv4-mapped address is the IPv4 address in it, in the request and in the list.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({
    client: z
      .string()
      .check(z.meta({ description: 'Address of the client, IPv4 or IPv6.', example: '198.51.100.7' })),
    name: z.optional(
      z.string().check(z.meta({ description: 'Its verified reverse name.', example: 'mail.example.com' })),
    ),
  }),
  returns: { 200: matchAnswer },
  errors: ['NOT_FOUND'],
  problems: clientProblems,
});
