import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConfigError,
  contextSettings,
  type DeploymentConfig,
  readConfig,
  settingNames,
} from '../../infra/config.ts';
import { nameAndValue, UsageError } from '../../local/command.ts';

const root = join(import.meta.dirname, '../..');

/** What deploying and destroying both take. */
export const environmentOptions = {
  env: { type: 'string' },
  context: { type: 'string', multiple: true, short: 'c' },
} as const;

export interface Asked {
  env?: string | undefined;
  context?: string[] | undefined;
}

export interface Environment {
  config: DeploymentConfig;
  /** Arguments by which the CDK is told the same. */
  args: string[];
}

/** What is no setting is read, too, so that it is refused with all else that is wrong. */
const configOf = (given: Record<string, string>, others: Record<string, string>): DeploymentConfig => {
  try {
    return readConfig(...contextSettings((name) => given[name]), others);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
};

/**
 * The environment that was asked for, valid.
 *
 * @throws UsageError for all that is wrong with its settings, those among them that do not exist.
 */
export const environmentOf = ({ env, context = [] }: Asked): Environment => {
  if (env !== undefined && !existsSync(env)) throw new UsageError(`There is no file ${env}.`);
  const pairs = context.map((text) => nameAndValue('--context', text));
  const isSetting = ([name]: [string, string]): boolean => settingNames.includes(name);
  const given: Record<string, string> = {
    ...Object.fromEntries(pairs.filter(isSetting)),
    ...(env === undefined ? {} : { env }),
  };
  const config = configOf(given, Object.fromEntries(pairs.filter((pair) => !isSetting(pair))));
  return { config, args: Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]) };
};

/** What will be deployed, a line each; for eyes, so what is not decided is not shown. */
export const described = ({ identity, ...settings }: DeploymentConfig): string[] => {
  const tokens =
    identity.kind === 'issuer'
      ? `issuer ${identity.issuer}, for ${identity.audience.join(', ')}`
      : `user pool with the clients ${Object.entries(identity.clients)
          .map(([name, scopes]) => `${name} (${scopes.join(', ')})`)
          .join('; ')}`;
  const rows = [...Object.entries(settings), ['tokens', tokens] as const];
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name.padEnd(18)} ${String(value)}`);
};

/** Runs the CDK of this checkout, with its output where ours goes, and answers how it ended. */
export const runCdk = (args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
    const child = spawn(process.execPath, [cdk, ...args], { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
