import * as z from 'zod/mini';
import { pointerOf } from '../shared/domain/pointer.ts';
import { settingsOnly, settingsProblems } from '../shared/domain/settings.ts';
import { type SmtpDesired, smtpDesired } from '../shared/messages/shadow.ts';
import { readCoded } from '../shared/schemas/common.ts';
import { type ListName, listNames } from '../shared/schemas/lists.ts';
import { smtpSettings } from '../shared/schemas/smtp.ts';

/** Why a configuration can never work on this Scanner, and where in the desired document (a JSON pointer, RFC 6901). */
export interface Refusal {
  pointer: string;
  message: string;
}

/** What a desired document comes to. Without a revision nobody could be told of it, so there is nothing to do. */
export type Reading =
  | { revision: null }
  | { revision: number; desired: SmtpDesired }
  | { revision: number; refusal: Refusal };

const refusalOf = (issue: z.core.$ZodIssue): Refusal => {
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys;
    return {
      pointer: pointerOf([...issue.path, name]),
      message: `This Scanner does not know "${name}", and leaving it out could open what it is meant to close.`,
    };
  }
  return { pointer: pointerOf(issue.path), message: readCoded(issue.message)?.message ?? issue.message };
};

const strictDesired = z.strictObject({
  ...smtpDesired.shape,
  lists: z.strictObject(smtpDesired.shape.lists.shape),
});

/**
 * The two schemas together are exact: the message's says which members must be there, the settings' knows no others, so that a
 * Scanner never runs half of a configuration that it does not fully understand.
 */
const shapeRefusals = (document: Record<string, unknown>): Refusal[] =>
  [strictDesired.safeParse(document), smtpSettings.safeParse(settingsOnly(document as never))].flatMap(
    (result) => result.error?.issues.map(refusalOf) ?? [],
  );

/** Lists without which it is not known who may connect (outbound clients are always listed), or where mail is to go. */
const needed = ({ inbound, outbound, authentication }: SmtpDesired): ListName[] => {
  const needs: Record<ListName, boolean> = {
    inbound: inbound?.accept === 'listed',
    outbound: outbound !== undefined,
    authentication: authentication?.enabled === true && authentication.accept === 'listed',
    'local-delivery': false,
    relay: outbound?.nonLocalDelivery === 'relay',
  };
  return listNames.filter((name) => needs[name]);
};

const missingLists = (desired: SmtpDesired): Refusal[] =>
  needed(desired)
    .filter((name) => desired.lists[name] === undefined)
    .map((name) => ({
      pointer: `/lists/${name}`,
      message: `The ${name} list decides here, but is not named.`,
    }));

const statesRevision = z.object({ revision: smtpDesired.shape.revision });

const revisionOf = (document: unknown): number | null => {
  const revision = statesRevision.safeParse(document);
  return revision.success ? revision.data.revision : null;
};

/** Judges `desired` of the shadow `smtp`; of several faults the first is named and the others are counted. */
export const readDesired = (document: unknown): Reading => {
  const revision = revisionOf(document);
  if (revision === null) return { revision };
  const shape = shapeRefusals(document as Record<string, unknown>);
  const desired = document as SmtpDesired;
  const refusals = shape.length > 0 ? shape : [...settingsProblems(desired), ...missingLists(desired)];
  const [first] = refusals;
  if (!first) return { revision, desired };
  const more = refusals.length > 1 ? ` (${refusals.length - 1} more)` : '';
  return { revision, refusal: { pointer: first.pointer, message: `${first.message}${more}` } };
};
