import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder that is taken away after the test. */
export const emptyFolder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'scanner-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const textsIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

/** What a reader sees that opens everything in the version that is in force at that moment; null while there is none. */
export const inForce = (dir: string) => {
  try {
    const version = realpathSync(join(dir, 'current'));
    const configuration = JSON.parse(readFileSync(join(version, 'configuration.json'), 'utf8'));
    const [lists, artifacts] = ['lists', 'artifacts'].map((name) => textsIn(join(version, name)));
    return { configuration, lists: lists ?? {}, artifacts: artifacts ?? {} };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

export async function* pieces(...texts: string[]): AsyncIterable<string> {
  yield* texts;
}

/** All pieces in one. */
export const textOf = async (texts: AsyncIterable<string> = pieces()): Promise<string> => {
  let text = '';
  for await (const piece of texts) text += piece;
  return text;
};
