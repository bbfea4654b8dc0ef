import * as z from 'zod/mini';
import { standingStates } from '../domain/standing.ts';
import { coded, cursor, flag, limit, pageOf } from '../schemas/common.ts';
import { decommissioned, scanner } from '../schemas/scanner.ts';
import { defineOperation } from './define.ts';

const labelPattern = /^[a-z0-9][a-z0-9._/-]{0,62}(=.*)?$/;

/** Labels are separated by commas that a name follows, so that a value may have others. */
const betweenLabels = /,(?=[a-z0-9][a-z0-9._/-]{0,62}(?:=|,|$))/;

/**
 * A parameter that begins with a sign says by it how its labels are separated, so that a value may have what would otherwise begin the next one.
 * No name begins with one, so nothing that was asked without means anything else.
 */
const separator = /^[^a-z0-9,=\s]/;

const split = (text: string): string[] => {
  const [sign] = separator.exec(text) ?? [];
  return sign === undefined ? text.split(betweenLabels) : text.slice(sign.length).split(sign);
};

/** The labels of a `label` parameter; a value of undefined for one that is only named. */
export const labelsOf = (label: string | undefined): [string, string | undefined][] =>
  (label === undefined ? [] : split(label)).map((one) => {
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
  summary: 'All Scanners in service, or those that are asked for, by id',
  description:
    'With a filter, pages may be short or empty as long as there is a `nextCursor`; the filters find what was true a second or so ago, and leave out what is no longer.',
  query: z.strictObject({
    cursor,
    limit,
    decommissioned,
    enabled: flagged('Only Scanners that are enabled, or that are not.'),
    connected: flagged('Only Scanners that are connected, or that are not.'),
    inSync: flagged('Only Scanners that run what they should, or that do not.'),
    state: z.optional(z.enum(standingStates)).check(
      z.meta({
        description:
          'Only Scanners of this state: `failed` could not apply or not be sent what they should run, or report what cannot be read; `pending` have not done so yet.',
      }),
    ),
    label: z
      .optional(
        z.string().check(
          z.refine((text) => split(text).every((one) => labelPattern.test(one)), {
            error: coded(
              'VALUE_INVALID',
              'labels are name=value, or a name alone, separated by commas, or by a sign that stands before the first',
            ),
          }),
        ),
      )
      .check(
        z.meta({
          description:
            'Only Scanners with this label: `name=value`, or a name for any value; several, separated by commas, must all be there. A comma that is followed by a name begins the next label; where a value has one, put another sign before the first label and between them: `;note=b,site=x;tier=edge` asks for the note `b,site=x` and the tier `edge`.',
        }),
      ),
  }),
  returns: { 200: pageOf(scanner) },
  errors: ['CURSOR_INVALID'],
});
