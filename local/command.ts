import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** How a program of this project ends. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** A call that cannot be meant: the program ends with 2 and says what it takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What starts the embedded stack that keeps its state in `dir`. */
export const startCommand = (dir: string): string =>
  dir === '.local' ? 'npm start' : `npm start -- --data ${dir}`;

/** What an option says that takes NAME=VALUE. @throws UsageError where it does not. */
export const nameAndValue = (option: string, text: string): [name: string, value: string] => {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`${option} takes NAME=VALUE, and not ${text}.`);
  return [text.slice(0, at), text.slice(at + 1)];
};

interface Command<T extends ParseArgsOptionsConfig> {
  usage: string;
  options: T;
  /** Takes words besides options. */
  words?: boolean;
}

type Values<T extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true }>
>['values'];

const isWrongCall = (error: unknown): boolean =>
  error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;

const help = { help: { type: 'boolean', short: 'h' } } as const;

const read = <T extends ParseArgsOptionsConfig>({ options, words = false }: Command<T>) =>
  parseArgs({ options: { ...options, ...help }, allowPositionals: words });

/**
 * Runs a program and ends the process: with what `run` answers; with 0 after `--help`; with 2 and the usage when it was called wrongly;
 * with 1 and one line when it failed. Output that is still under way is written first.
 */
export const runCommand = async <T extends ParseArgsOptionsConfig>(
  command: Command<T>,
  run: (values: Values<T>, words: string[]) => Promise<number> | number,
): Promise<void> => {
  try {
    const { values, positionals } = read(command);
    if ((values as { help?: boolean }).help) process.stdout.write(command.usage);
    else process.exitCode = await run(values as Values<T>, positionals);
  } catch (error) {
    console.error((error as Error).message);
    if (isWrongCall(error)) console.error(`\n${command.usage}`);
    process.exitCode = isWrongCall(error) ? exitCodes.usage : exitCodes.failed;
  }
};
