import * as z from 'zod/mini';
import { type Desired, digestOfAdvanced } from '../shared/domain/desired.ts';
import { isObject } from '../shared/domain/sections.ts';
import { settingsOnly, settingsProblems } from '../shared/domain/settings.ts';
import { type SmtpAdvancedDesired, type SmtpDesired, smtpDesired } from '../shared/messages/shadow.ts';
import { type ListName, listNames } from '../shared/schemas/lists.ts';
import { smtpSettings } from '../shared/schemas/smtp.ts';
import { advancedRefusals } from './desired-advanced.ts';
import { artifactRefusals } from './desired-artifacts.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { sha256 } from './sha256.ts';

/** `desired` of the two shadows that a configuration comes in, as they are. */
export interface Documents {
  smtp: unknown;
  advanced: unknown;
}

/** What the desired documents come to. Without a revision nobody could be told of it, so there is nothing to do. */
export type Reading =
  | { revision: null }
  | { revision: number; refusal: Refusal }
  /** Sound as far as `smtp` goes, but `smtp-advanced` is not, or no longer, the state that it names (DESIGN 5). */
  | { revision: number; awaiting: SmtpDesired }
  | { revision: number; desired: Desired };

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
    (result) => result.error?.issues.map((issue) => refusalOf(issue)) ?? [],
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

const smtpRefusals = (document: Record<string, unknown>): Refusal[] => {
  const shape = shapeRefusals(document);
  if (shape.length > 0) return shape;
  const desired = document as SmtpDesired;
  return [...settingsProblems(desired), ...missingLists(desired), ...artifactRefusals(desired)];
};

const statesRevision = z.object({ revision: smtpDesired.shape.revision });

const revisionOf = (document: unknown): number | null => {
  const revision = statesRevision.safeParse(document);
  return revision.success ? revision.data.revision : null;
};

const named = (advanced: unknown, { advanced: digest }: SmtpDesired): boolean =>
  isObject(advanced) && digestOfAdvanced(advanced, sha256) === digest;

/** Of several faults the first is named and the others are counted. */
const inAll = ([first, ...others]: Refusal[]): Refusal | undefined =>
  first && {
    pointer: first.pointer,
    message: others.length > 0 ? `${first.message} (${others.length} more)` : first.message,
  };

/** Judges what is desired. What `smtp` says alone can never work is refused without waiting for the other shadow. */
export const readDesired = ({ smtp: document, advanced }: Documents): Reading => {
  const revision = revisionOf(document);
  if (revision === null) return { revision };
  const refusal = inAll(smtpRefusals(document as Record<string, unknown>));
  if (refusal) return { revision, refusal };
  const smtp = document as SmtpDesired;
  if (!named(advanced, smtp)) return { revision, awaiting: smtp };
  const refused = inAll(advancedRefusals(advanced));
  if (refused) return { revision, refusal: refused };
  return { revision, desired: { smtp, advanced: advanced as SmtpAdvancedDesired } };
};
