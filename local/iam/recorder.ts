import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Use, Wanted } from './policy.ts';

/** Keeps what roles were used for. */
export interface Recorder {
  used(entry: string, use: Use): void;
  refused(entry: string, wanted: Wanted): void;
}

/** One line of a record: which function did what, by which grant; or what it was refused. */
export type RecordedLine =
  | ({ entry: string; kind: 'used' } & Use)
  | { entry: string; kind: 'refused'; action: string; resource: string; context?: object };

const nothing: Recorder = { used: () => undefined, refused: () => undefined };

/**
 * Writes each grant that is used, once, and everything that is refused, into a file of its own in `dir`: at once, because a test may kill
 * the process. Without `dir` nothing is kept.
 */
export const openRecorder = (dir: string | undefined): Recorder => {
  if (!dir) return nothing;
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${randomUUID()}.jsonl`);
  const known = new Set<string>();
  const write = (line: RecordedLine) => {
    const text = JSON.stringify(line);
    if (line.kind === 'used' && known.has(text)) return;
    known.add(text);
    appendFileSync(file, `${text}\n`);
  };
  return {
    used: (entry, use) => write({ kind: 'used', entry, ...use }),
    refused: (entry, wanted) => write({ kind: 'refused', entry, ...wanted }),
  };
};
