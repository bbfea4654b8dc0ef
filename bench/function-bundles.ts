import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { bundling } from '../local/bundles.ts';

/** What an API function may have (DESIGN 10, ADR 0024): bytes of its bundle, and milliseconds that a cold import takes on Node 24. */
export const budgets = { withoutSdk: 200_000, withSdk: 1_000_000, coldImportMs: 80 };

/** Entries of the functions, API first. */
export const entries = (): string[] =>
  ['functions/api', 'functions/workers'].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.lambda.ts'))
      .map((file) => join(folder, file)),
  );

export const nameOf = (entry: string): string => basename(entry, '.lambda.ts');

const bundle = async (entry: string, outfile: string, external: string[]): Promise<number> => {
  await build({ ...bundling, entryPoints: [entry], outfile, external });
  return statSync(outfile).size;
};

/** Bytes of the function's bundle as it is deployed, in `folder`, and without the SDK. */
export const bundleSizes = async (entry: string, folder: string) => {
  const file = join(folder, `${nameOf(entry)}.mjs`);
  const without = join(folder, `${nameOf(entry)}-without.mjs`);
  return {
    file,
    withoutSdk: await bundle(entry, without, ['@aws-sdk/*', '@smithy/*']),
    withSdk: await bundle(entry, file, []),
  };
};

/** What every function finds in its environment; none of it is used before an event comes. */
const environment = {
  TABLE_NAME: 't',
  BUCKET_NAME: 'b',
  SCANNER_POLICY_NAME: 'p',
  THING_TYPE_NAME: 't',
  MQTT_SERVER_CA: '',
  AWS_REGION: 'eu-west-1',
  LOG_LEVEL: 'ERROR',
};

/** Milliseconds that a fresh process spends on importing the bundle, process start left out. */
export const coldImport = (file: string): number => {
  const program = `const t=performance.now();await import(${JSON.stringify(file)});process.stdout.write(String(performance.now()-t));process.exit(0)`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return Number(output);
};
