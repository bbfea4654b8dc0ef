import * as z from 'zod/mini';
import { scannerId, wholeNumber } from '../schemas/common.ts';
import { accessListName, entriesPage, entriesWalk, entryKinds } from '../schemas/lists.ts';
import { entryProblems } from '../schemas/problem-codes.ts';
import { defineOperation } from './define.ts';

export const listEntries = defineOperation({
  id: 'list-entries',
  method: 'GET',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/entries',
  resource: 'lists',
  scope: 'scanners/read',
  summary: 'Entries of an access list, by page number or by cursor',
  description:
    'Without `cursor`, page `page` with totals and links. With `cursor` (empty to begin), the next `pageSize` entries of one revision. `under` and `kind` filter that walk, which they begin where no cursor is given: it has no totals, and its pages may be short or empty as long as there is a `nextCursor`.',
  params: z.strictObject({ scannerId, list: accessListName }),
  query: z.strictObject({
    page: z.prefault(wholeNumber(), 1).check(z.meta({ description: 'Number of the page, from 1.' })),
    pageSize: z
      .prefault(wholeNumber(1000), 50)
      .check(z.meta({ description: 'How many entries a page has.' })),
    cursor: z
      .optional(z.string())
      .check(z.meta({ description: 'Empty to begin a walk, then the nextCursor of the page before.' })),
    under: z.optional(
      z.string().check(
        z.meta({
          description: 'Only what lies in this network, or is this domain or below it (`.x`: below it only).',
          example: '192.0.2.0/24',
        }),
      ),
    ),
    kind: z.optional(z.enum(entryKinds)).check(z.meta({ description: 'Only entries of this kind.' })),
    revision: z
      .optional(wholeNumber())
      .check(z.meta({ description: 'Reads the list as it was at an earlier revision.' })),
  }),
  returns: { 200: z.union([entriesPage, entriesWalk]) },
  errors: ['NOT_FOUND', 'PAGE_OUT_OF_RANGE', 'CURSOR_INVALID'],
  problems: entryProblems,
});
