import * as z from 'zod/mini';
import { exportFormats } from '../domain/lists/export.ts';
import { scannerId } from '../schemas/common.ts';
import { accessEntry, accessListName, beingMade, exportLink } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const exportAccessList = defineOperation({
  id: 'export-access-list',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/export',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'A whole access list as a file',
  description:
    '`csv` has the header address,enabled,comment and is imported again to the same list; a comment that a spreadsheet would compute stands behind an apostrophe, which the import takes away again. `txt` is the values of enabled entries, one a line; `json` is an array of entries. Up to 4 MB the file is the answer; beyond it is 303 to a link that is good for 15 minutes, and 202 with `Retry-After` until the file is made. Refused while the section accepts all clients or is absent.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({
    format: z
      ._default(z.enum(exportFormats), 'csv')
      .check(z.meta({ description: 'What the file is to be. CSV imports again to the same list.' })),
  }),
  textTypes: ['text/csv', 'text/plain'],
  returns: { 200: z.union([z.array(accessEntry), z.string()]), 202: beingMade, 303: exportLink },
  errors: ['NOT_FOUND', 'LIST_NOT_ACTIVE'],
});
