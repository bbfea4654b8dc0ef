import type { KeptLetter } from '../../functions/stores/dead-letters.ts';
import { alignedTable, cut } from '../table.ts';

/** Rows shown of a long table; the whole of it is in the JSON. */
const shownRows = 100;

/** What became of a letter; absent where nothing was tried. */
export interface Outcome {
  done: boolean;
  /** Why it is still there. */
  reason?: string;
}

export interface Handled extends KeptLetter {
  outcome?: Outcome;
}

const placeNames = { message: 'queue', object: 'bucket' } as const;

const resultOf = ({ letter, outcome }: Handled): string => {
  if (outcome) return outcome.done ? 'done' : cut(outcome.reason ?? '', 90);
  return letter.replay.kind === 'none' ? cut(`cannot be replayed: ${letter.replay.why}`, 90) : '-';
};

const rowOf = (handled: Handled): string[] => {
  const { id, letter, place } = handled;
  return [
    id,
    placeNames[place.kind],
    letter.at.slice(0, 19).replace('T', ' '),
    cut(letter.to, 40),
    cut(letter.why, 60),
    cut(letter.about, 60),
    letter.tries === null ? '-' : String(letter.tries),
    resultOf(handled),
  ];
};

const titles = ['id', 'in', 'given up (UTC)', 'for', 'why', 'about', 'tries', 'result'];

/** Letters as a table, in the order in which they were given up. */
export const letterTable = (letters: readonly Handled[]): string => {
  const table = alignedTable([titles, ...letters.slice(0, shownRows).map(rowOf)]);
  const more = letters.length - shownRows;
  return more > 0 ? `${table}\n… and ${more} more; --json shows them all` : table;
};

/** A letter for a program: what is in it, too. */
export const letterJson = ({ id, letter, place, outcome }: Handled) => ({
  id,
  in: placeNames[place.kind],
  ...(place.kind === 'object' ? { key: place.key } : {}),
  ...letter,
  ...(outcome ? { outcome } : {}),
});
