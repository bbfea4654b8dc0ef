import * as z from 'zod/mini';
import { scannerStates } from '../domain/standing.ts';
import { coded, cursor, flag, limit, pageOf } from '../schemas/common.ts';
import { scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

const labelPattern = /^[a-z0-9][a-z0-9._/-]{0,62}(=.*)?$/;

/** Labels are separated by commas that a name follows, so that a value may have others. */
const betweenLabels = /,(?=[a-z0-9][a-z0-9._/-]{0,62}(?:=|,|$))/;

/** The labels of a `label` parameter; a value of undefined for one that is only named. */
export const labelsOf = (label: string | undefined): [string, string | undefined][] =>
  (label?.split(betweenLabels) ?? []).map((one) => {
    const [name = '', ...value] = one.split('=');
    return [name, value.length === 0 ? undefined : value.join('=')];
  });

const flagged = (description: string) => z.optional(flag).check(z.meta({ description, type: 'boolean' }));

export const listScanners = defineOperation({
  id: 'list-scanners',
  method: 'GET',
  path: '/v1/scanners',
  resource: 'scanners',
  scope: 'scanners/read',
  summary: 'All Scanners, or those that are asked for, by id',
  description:
    'With a filter, pages may be short or empty as long as there is a `nextCursor`; the filters find what was true a second or so ago, and leave out what is no longer.',
  query: z.strictObject({
    cursor,
    limit,
    enabled: flagged('Only Scanners that are enabled, or that are not.'),
    connected: flagged('Only Scanners that are connected, or that are not.'),
    inSync: flagged('Only Scanners that run what they should, or that do not.'),
    state: z.optional(z.enum(scannerStates)).check(
      z.meta({
        description:
          'Only Scanners of this state: `failed` could not apply or not be sent what they should run, `pending` have not done so yet.',
      }),
    ),
    label: z
      .optional(
        z.string().check(
          z.refine((text) => text.split(betweenLabels).every((one) => labelPattern.test(one)), {
            error: coded('VALUE_INVALID', 'labels are name=value, or a name alone, separated by commas'),
          }),
        ),
      )
      .check(
        z.meta({
          description:
            'Only Scanners with this label: `name=value`, or a name for any value; several, separated by commas, must all be there.',
        }),
      ),
  }),
  returns: { 200: pageOf(scanner) },
  errors: ['CURSOR_INVALID'],
});
