import { canonicalJson } from '../shared/domain/canonical-json.ts';
import type { Desired } from '../shared/domain/desired.ts';
import type { SmtpDesired } from '../shared/messages/shadow.ts';
import { type ListName, listNames } from '../shared/schemas/lists.ts';
import { type Documents, readDesired } from './desired.ts';
import type { Refusal } from './refusal.ts';

/** What a Scanner knows when it looks at its shadows. */
export interface Situation {
  /** `desired` as the shadows have it. */
  documents: Documents;
  /** What it runs, verified. */
  applied: Desired | null;
  /** A revision that was found impossible while it was being applied, since this process began. */
  refused: { revision: number; refusal: Refusal } | null;
}

/** What must be got before a configuration can be applied; everything else in it is as applied. */
export interface Changed {
  lists: ListName[];
  /** Names of artifacts. */
  artifacts: string[];
}

export type Step =
  /** Nothing is asked of it. */
  | { do: 'rest' }
  /** The advanced settings that belong to this revision are not there yet, so it is neither applied nor judged. */
  | { do: 'wait'; revision: number }
  /** It runs what `smtp` asks. `settled` is false while the other shadow already speaks of something else. */
  | { do: 'keep'; desired: Desired; settled: boolean }
  /** It can never work; the next revision may. */
  | { do: 'refuse'; revision: number; refusal: Refusal }
  | { do: 'apply'; desired: Desired; changed: Changed };

const same = (one: SmtpDesired, other: SmtpDesired): boolean =>
  canonicalJson({ ...one }) === canonicalJson({ ...other });

const differing = (wanted: Record<string, string>, present: Record<string, string> = {}): string[] =>
  Object.keys(wanted).filter((name) => wanted[name] !== present[name]);

const rootsOf = (lists: SmtpDesired['lists']): Record<string, string> =>
  Object.fromEntries(Object.entries(lists).flatMap(([name, list]) => (list ? [[name, list.root]] : [])));

/** What differs in content from what is applied: equal roots mean equal lists (DESIGN 2), equal digests equal artifacts. */
export const changedSince = (desired: SmtpDesired, applied: SmtpDesired | null): Changed => {
  const roots = differing(rootsOf(desired.lists), applied ? rootsOf(applied.lists) : {});
  return {
    lists: listNames.filter((name) => roots.includes(name)),
    artifacts: differing(desired.artifacts ?? {}, applied?.artifacts),
  };
};

/** `smtp` names its advanced settings by their digest: where it says what is applied, so do they. */
const runs = (applied: Desired | null, smtp: SmtpDesired): Desired | null =>
  applied && same(applied.smtp, smtp) ? applied : null;

/** What to do now. It depends on the present alone: neither on what rang nor on how often. */
export const nextStep = ({ documents, applied, refused }: Situation): Step => {
  const reading = readDesired(documents);
  if (reading.revision === null) return { do: 'rest' };
  const { revision } = reading;
  if ('refusal' in reading) return { do: 'refuse', revision, refusal: reading.refusal };
  const settled = 'desired' in reading;
  const running = runs(applied, settled ? reading.desired.smtp : reading.awaiting);
  if (running) return { do: 'keep', desired: running, settled };
  if (!settled) return { do: 'wait', revision };
  if (refused?.revision === revision) return { do: 'refuse', ...refused };
  const { desired } = reading;
  return { do: 'apply', desired, changed: changedSince(desired.smtp, applied?.smtp ?? null) };
};
