import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { bundling } from '../local/bundles.ts';
import { type Bench, type Figure, median } from './bench.ts';

const runs = 7;

const entries = (folder: string) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.lambda.ts'))
    .map((file) => join(folder, file));

/** As the functions are bundled for Lambda, with the SDK or without it. */
const bundle = async (entry: string, outfile: string, external: string[]): Promise<number> => {
  await build({ ...bundling, entryPoints: [entry], outfile, external });
  return statSync(outfile).size;
};

/** Milliseconds that a fresh process spends on importing the bundle, process start left out. */
const coldImport = (file: string): number => {
  const program = `const t=performance.now();await import(${JSON.stringify(file)});process.stdout.write(String(performance.now()-t));process.exit(0)`;
  const environment = {
    ...process.env,
    TABLE_NAME: 't',
    BUCKET_NAME: 'b',
    SCANNER_POLICY_NAME: 'p',
    THING_TYPE_NAME: 't',
    MQTT_SERVER_CA: '',
    AWS_REGION: 'eu-west-1',
    LOG_LEVEL: 'ERROR',
  };
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env: environment,
    }),
  );
};

const measure = async (entry: string, folder: string): Promise<Record<string, Figure>> => {
  const name = basename(entry, '.lambda.ts');
  const file = join(folder, `${name}.mjs`);
  const without = await bundle(entry, join(folder, `${name}-without.mjs`), ['@aws-sdk/*', '@smithy/*']);
  const whole = await bundle(entry, file, []);
  const imports = Array.from({ length: runs }, () => coldImport(file));
  return {
    [`${name}: bundle without the SDK`]: { value: without / 1000, unit: 'kB' },
    [`${name}: bundle with the SDK`]: { value: whole / 1000, unit: 'kB' },
    [`${name}: cold import, median`]: { value: median(imports), unit: 'ms' },
  };
};

export const bench: Bench = {
  what: 'size of each function and what its cold import costs',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
    const figures: Record<string, Figure> = {};
    for (const entry of [...entries('functions/api'), ...entries('functions/workers')])
      Object.assign(figures, await measure(entry, folder));
    rmSync(folder, { recursive: true });
    return { runs, figures };
  },
};
