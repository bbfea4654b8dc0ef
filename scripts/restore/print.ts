import { tableOf } from '../fsck/print.ts';
import { alignedTable } from '../table.ts';
import type { Restored, Tally } from './outcome.ts';

const number = (value: number): string => value.toLocaleString('en');

const reasons = ({ left }: Tally): string =>
  [...left].map(([why, count]) => `${number(count)} ${why}`).join('; ');

/** What became of what, a kind of item a row. */
export const outcomeTable = ({ kinds }: Restored): string => {
  const rows = [...kinds].map(([kind, tally]) => [
    kind,
    number(tally.inBackup),
    number(tally.there),
    number(tally.restored),
    reasons(tally) || '-',
  ]);
  return alignedTable([['what', 'in the backup', 'there', 'restored', 'left'], ...rows]);
};

/** The whole outcome, for a person. */
export const outcomeText = (done: Restored, dryRun: boolean): string => {
  const would = dryRun ? 'would be ' : '';
  const restored = [...done.kinds.values()].reduce((sum, tally) => sum + tally.restored, 0);
  const lines = [
    outcomeTable(done),
    '',
    `${number(restored)} items and ${number(done.objects.length)} objects ${would}restored; ${number(done.scanners.size)} Scanners ${would}looked at at once.`,
  ];
  if (dryRun) return lines.join('\n');
  return done.findings.length === 0
    ? [...lines, 'Everything is as it should be.'].join('\n')
    : [...lines, '', tableOf(done.findings), '', `${number(done.findings.length)} findings are left.`].join(
        '\n',
      );
};

/** The same for a program. */
export const outcomeJson = ({ kinds, objects, findings, scanners }: Restored) => ({
  kinds: Object.fromEntries(
    [...kinds].map(([kind, { left, ...tally }]) => [kind, { ...tally, left: Object.fromEntries(left) }]),
  ),
  objects,
  scanners: [...scanners].sort(),
  findings: findings.map(({ kind, key, namedBy, detail }) => ({ kind, key, namedBy, detail })),
});
