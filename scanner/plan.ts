import { canonicalJson } from '../shared/domain/canonical-json.ts';
import type { SmtpDesired } from '../shared/messages/shadow.ts';
import { type ListName, listNames } from '../shared/schemas/lists.ts';
import { type Refusal, readDesired } from './desired.ts';

/** What a Scanner knows when it looks at its shadow. */
export interface Situation {
  /** `desired` as the shadow has it. */
  document: unknown;
  /** What it runs, verified. */
  applied: SmtpDesired | null;
  /** A revision that was found impossible while it was being applied, since this process began. */
  refused: { revision: number; refusal: Refusal } | null;
}

export type Step =
  /** Nothing is asked of it. */
  | { do: 'wait' }
  /** It runs what is asked. */
  | { do: 'keep'; desired: SmtpDesired }
  /** It can never work; the next revision may. */
  | { do: 'refuse'; revision: number; refusal: Refusal }
  /** To apply; the content of the lists in `changed` must be got, the others are as applied. */
  | { do: 'apply'; desired: SmtpDesired; changed: ListName[] };

const same = (one: SmtpDesired, other: SmtpDesired): boolean =>
  canonicalJson({ ...one }) === canonicalJson({ ...other });

/** Lists whose content differs from what is applied: equal roots mean equal lists (DESIGN 2). */
export const changedLists = (desired: SmtpDesired, applied: SmtpDesired | null): ListName[] =>
  listNames.filter((name) => {
    const root = desired.lists[name]?.root;
    return root !== undefined && root !== applied?.lists[name]?.root;
  });

/** What to do now. It depends on the present alone: neither on what rang nor on how often. */
export const nextStep = ({ document, applied, refused }: Situation): Step => {
  const reading = readDesired(document);
  if (reading.revision === null) return { do: 'wait' };
  const { revision } = reading;
  if ('refusal' in reading) return { do: 'refuse', revision, refusal: reading.refusal };
  if (refused?.revision === revision) return { do: 'refuse', ...refused };
  const { desired } = reading;
  if (applied && same(applied, desired)) return { do: 'keep', desired };
  return { do: 'apply', desired, changed: changedLists(desired, applied) };
};

/**
 * Whether a delta tells of anything but the revision at hand. While a revision is applied, each report of our own brings a delta
 * with what is still outstanding, that revision among it (AWS IoT, "Delta messages").
 */
export const isNews = (delta: unknown, atHand: number | null): boolean => {
  const state = (delta as { state?: { revision?: unknown } } | null)?.state;
  return atHand === null || state?.revision !== atHand;
};
