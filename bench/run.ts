import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { exitCodes, runCommand, UsageError } from '../local/command.ts';
import type { Bench, Figure } from './bench.ts';

const here = import.meta.dirname;
const usage = `Runs the measurements and writes bench/results/<name>.json.

  npm run bench                     all of them
  npm run bench -- NAME [NAME …]    only these
  npm run bench -- --list           their names
`;

const names = () =>
  readdirSync(here)
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => file.replace('.bench.ts', ''))
    .sort();

const commit = () => execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

const machine = () =>
  `${cpus()[0]?.model ?? 'unknown processor'} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;

const rounded = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));

const row = ([name, figure]: [string, Figure]) => {
  const against = figure.ratio === undefined ? '' : `   ${rounded(figure.ratio)} x ${figure.peer ?? ''}`;
  return `  ${name.padEnd(58)} ${String(rounded(figure.value)).padStart(12)} ${figure.unit}${against}`;
};

const runOne = async (name: string): Promise<void> => {
  const { bench } = (await import(join(here, `${name}.bench.ts`))) as { bench: Bench };
  console.log(`\n${name}: ${bench.what}`);
  const whyNot = bench.whyNot?.() ?? null;
  if (whyNot !== null) {
    console.log(`  not run: ${whyNot}`);
    return;
  }
  const { runs, figures } = await bench.run();
  const result = { name, commit: commit(), machine: machine(), runs, figures };
  mkdirSync(join(here, 'results'), { recursive: true });
  writeFileSync(join(here, 'results', `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  for (const figure of Object.entries(figures)) console.log(row(figure));
};

await runCommand({ usage, options: { list: { type: 'boolean' } }, words: true }, async ({ list }, words) => {
  if (list) console.log(names().join('\n'));
  const unknown = words.filter((name) => !names().includes(name));
  if (unknown.length > 0)
    throw new UsageError(
      `There is no measurement called ${unknown.join(', ')}. There are: ${names().join(', ')}.`,
    );
  if (!list) for (const name of words.length > 0 ? words : names()) await runOne(name);
  return exitCodes.done;
});
