import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../bench/bench.ts';
import { budgets, bundleSizes, coldImport, entries, nameOf } from '../bench/function-bundles.ts';
import { exitCodes, runCommand } from '../local/command.ts';
import { alignedTable } from './table.ts';

const usage = `Bundles every function as a deployment does, and shows its size and what a cold import takes beside what it may have (ADR 0024).

  npm run budgets

Ends with 1 when the bundle of an API function is larger than its budget. The time of a cold import depends on the machine: it is shown, the
median of three, and decides nothing.
`;

interface Measured {
  entry: string;
  withoutSdk: number;
  withSdk: number;
  coldImportMs: number;
}

const measure = async (entry: string, folder: string): Promise<Measured> => {
  const { file, withoutSdk, withSdk } = await bundleSizes(entry, folder);
  return { entry, withoutSdk, withSdk, coldImportMs: median([1, 2, 3].map(() => coldImport(file))) };
};

const isApi = ({ entry }: Measured): boolean => entry.startsWith('functions/api/');

const isOver = (one: Measured): boolean =>
  isApi(one) && (one.withoutSdk > budgets.withoutSdk || one.withSdk > budgets.withSdk);

const kB = (bytes: number): string => `${Math.round(bytes / 1000)} kB`;

const row = (one: Measured): string[] => [
  `${isApi(one) ? 'API' : 'worker'} ${nameOf(one.entry)}`,
  kB(one.withoutSdk),
  kB(one.withSdk),
  `${Math.round(one.coldImportMs)} ms`,
  isOver(one) ? 'OVER' : '',
];

const table = (measured: Measured[]): string =>
  alignedTable([
    ['function', 'without the SDK', 'with it', 'cold import', ''],
    ...measured.map(row),
    [
      'budget of an API function',
      kB(budgets.withoutSdk),
      kB(budgets.withSdk),
      `${budgets.coldImportMs} ms`,
      '',
    ],
  ]);

await runCommand({ usage, options: {} }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'budgets-'));
  const measured: Measured[] = [];
  for (const entry of entries()) measured.push(await measure(entry, folder));
  rmSync(folder, { recursive: true });
  console.log(table(measured));
  return measured.some(isOver) ? exitCodes.failed : exitCodes.done;
});
