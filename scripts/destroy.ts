import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { exitCodes, runCommand, UsageError } from '../local/command.ts';
import { environmentOf, environmentOptions, runCdk } from './deploy/cdk.ts';
import { missingCredentials, noCredentials } from './deploy/credentials.ts';
import { keptLines, removalText } from './deploy/kept.ts';
import { type Outputs, readOutputs } from './deploy/outputs.ts';

const usage = `Removes a deployment from the AWS account of the environment's credentials, but for its data, which it names.

  npm run destroy                              the one with the name of the defaults
  npm run destroy -- --env production.json     the one of these settings; -c NAME=VALUE as for npm run deploy
  npm run destroy -- --dry-run                 changes nothing: says what would be kept, and how that is removed
  npm run destroy -- --yes                     does not ask for the name of the deployment
  npm run destroy -- --outputs FILE            what npm run deploy wrote, for the names of what is kept (default cdk.out/outputs.json)

Ends with 0 when it is removed (or with --dry-run), 1 when it is not, 2 when it is called wrongly, 3 when there are no credentials.
`;

const options = {
  ...environmentOptions,
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  outputs: { type: 'string', default: 'cdk.out/outputs.json' },
} as const;

/** The template as this checkout would deploy it. */
const templateOf = async (name: string, args: readonly string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'destroy-'));
  try {
    const code = await runCdk(['synth', '--quiet', '--output', folder, name, ...args]);
    if (code !== exitCodes.done) throw new Error('The configuration could not be synthesized.');
    return JSON.parse(readFileSync(join(folder, `${name}.template.json`), 'utf8')) as Parameters<
      typeof keptLines
    >[0];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const outputsIn = (file: string, name: string): Outputs => {
  try {
    return existsSync(file) ? readOutputs(file, name) : {};
  } catch {
    // The file is of other deployments: then what is kept has no names here.
    return {};
  }
};

/** Whoever removes a deployment writes its name. */
const isMeant = async (name: string): Promise<boolean> => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`To remove it, write ${name}: `);
  terminal.close();
  return answer.trim() === name;
};

await runCommand({ usage, options }, async (values) => {
  const { config, args } = environmentOf(values);
  const { name } = config;
  if (!values['dry-run'] && !values.yes && !process.stdin.isTTY)
    throw new UsageError('Nobody can be asked here: say --yes, or --dry-run.');
  const missing = values['dry-run'] ? undefined : await missingCredentials();
  if (missing !== undefined) {
    console.error(missing);
    return noCredentials;
  }
  const kept = keptLines(await templateOf(name, args), outputsIn(values.outputs, name), name);
  console.log(`${removalText(name, values['dry-run'])}\n${kept.join('\n')}\n`);
  if (values['dry-run']) return exitCodes.done;
  if (!values.yes && !(await isMeant(name))) throw new Error('Nothing was removed.');
  const code = await runCdk(['destroy', name, '--force', ...args]);
  if (code !== exitCodes.done) throw new Error('It was not removed, or not all of it.');
  return exitCodes.done;
});
