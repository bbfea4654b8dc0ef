import { alignedTable, cut } from '../table.ts';
import type { Checked, Found } from './found.ts';

/** Rows shown of a long table; the whole of it is in the JSON. */
const shownRows = 100;
const widest = 60;

/** A digest is known by its first twelve characters. */
const short = (text: string): string => text.replace(/([0-9a-f]{12})[0-9a-f]{52}/g, '$1…');

const rowOf = ({ kind, key, namedBy, detail, repair }: Found): string[] => [
  kind,
  short(key),
  short(detail),
  cut(short(namedBy.join(', ')), widest),
  repair === undefined ? '-' : short(repair),
];

const titles = ['what', 'which', 'why', 'named by', 'repair'];

/** Findings as a table with aligned columns. */
export const tableOf = (findings: readonly Found[]): string => {
  const table = alignedTable([titles, ...findings.slice(0, shownRows).map(rowOf)]);
  const more = findings.length - shownRows;
  return more > 0 ? `${table}\n… and ${more} more; --json shows them all` : table;
};

const number = (value: number): string => value.toLocaleString('en');

export const checkedLine = ({
  scanners,
  revisions,
  lists,
  chunks,
  bindings,
  fleet,
  rollouts,
  versions,
}: Checked): string =>
  `Looked at ${number(scanners)} Scanners, ${number(revisions)} revisions, ${number(lists)} lists, ${number(chunks)} chunks, ${number(bindings)} bindings of domains, ${number(fleet)} artifacts of the fleet, ${number(rollouts)} rollouts, ${number(versions)} versions of objects.`;

const everyMs = 3000;

/** Says on standard error, every few seconds, how far a long check is. */
export const progressOn = (write: (text: string) => void, clock: () => number) => {
  let last = clock();
  return (what: string, done: number, of?: number): void => {
    if (clock() - last < everyMs) return;
    last = clock();
    write(`${number(done)}${of === undefined ? '' : ` of ${number(of)}`} ${what}\n`);
  };
};
