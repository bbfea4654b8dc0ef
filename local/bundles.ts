import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { fingerprintOf, keptFolder } from './kept.ts';

const root = join(import.meta.dirname, '..');

/** As `infra/functions.ts` has functions bundled for a deployment: one minified module each, the SDK inside. */
export const bundling = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  logLevel: 'error',
} as const satisfies BuildOptions;

/** What each environment runs besides its function; bundled with them, since each would strip its types anew. */
export const insideOfEnvironment = 'local/lambda-worker.ts';

/** Everything that a bundle is made of. */
const sources = [
  'functions',
  'shared',
  'local/bundles.ts',
  insideOfEnvironment,
  'local/source-frames.ts',
  'package-lock.json',
];

const unusedAfterMs = 86_400_000;

const build = async (entries: string[], outdir: string): Promise<void> => {
  const esbuild = await import('esbuild');
  await esbuild.build({
    ...bundling,
    absWorkingDir: root,
    entryPoints: entries,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    outdir,
    sourcemap: 'external',
    sourcesContent: false,
  });
};

/** What is said of a file that another user of this checkout has; and of one that another process takes away or has written to meanwhile. */
const foreign = ['EPERM', 'EACCES'];
const moved = ['ENOENT', 'ENOTEMPTY'];

const forget = (folder: string): void => {
  try {
    if (Date.now() - statSync(folder).mtimeMs > unusedAfterMs)
      rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (![...foreign, ...moved].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};

/** Takes away bundles of other sources that no stack has been started with for a day: a running one still loads from its own. */
const forgetOthers = (folder: string): void => {
  const names = readdirSync(keptFolder).filter((name) => name.startsWith('functions-'));
  for (const other of names.map((name) => join(keptFolder, name))) if (other !== folder) forget(other);
};

/** True where the bundles are there; they are in use from then on. Those of another user of this checkout only that one can mark so. */
const isThere = (folder: string): boolean => {
  try {
    utimesSync(folder, new Date(), new Date());
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (foreign.includes(code)) return true;
    throw error;
  }
};

/** Made under a name of its own until it is whole; when another process was faster, that one's is as good. */
const make = async (entries: string[], folder: string): Promise<void> => {
  const own = `${folder}.${process.pid}`;
  await build(entries, own);
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
};

const writable = (folder: string): boolean => {
  try {
    mkdirSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
};

/**
 * Bundles functions as a deployment does, and says where each one's bundle is, with its source map beside it. Bundling takes seconds, so
 * the bundles are kept under the fingerprint of their sources; where nothing can be kept, they are made in `spare`. `entries` are paths
 * from the root of the checkout.
 */
export const bundleFunctions = async (
  entries: string[],
  spare: string,
): Promise<(entry: string) => string> => {
  const keeps = writable(keptFolder);
  const folder = keeps
    ? join(keptFolder, `functions-${fingerprintOf(sources, entries)}`)
    : join(spare, 'functions');
  if (!keeps) await build(entries, folder);
  else if (!isThere(folder)) await make(entries, folder);
  if (keeps) forgetOthers(folder);
  return (entry) => join(folder, entry.replace(/\.ts$/, '.mjs'));
};
