import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line that a function logged, and whose it is. */
export interface LogLine {
  /** Logical id of the function. */
  function: string;
  message?: string;
  [more: string]: unknown;
}

/** All that the functions of a stack have logged, as text, by function. */
export const logTexts = (data: string): Map<string, string> => {
  const folder = join(data, 'logs');
  const files = readdirSync(folder).filter((file) => file.endsWith('.log'));
  return new Map(
    files.map((file) => [file.slice(0, -'.log'.length), readFileSync(join(folder, file), 'utf8')]),
  );
};

const parsed = (line: string): object | null => {
  try {
    return JSON.parse(line) as object;
  } catch {
    // Not ours: what the platform writes of an error, or a line that is being written.
    return null;
  }
};

/** Lines of all functions, metrics among them; those of one function in their order. */
export const logLines = (data: string): LogLine[] =>
  [...logTexts(data)].flatMap(([name, text]) =>
    text
      .split('\n')
      .map(parsed)
      .filter((line) => line !== null)
      .map((line) => ({ ...line, function: name })),
  );
