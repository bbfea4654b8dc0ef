import * as z from 'zod/mini';

/** What the agent asks of the guard: one JSON document a line, answered by one. */
export const controlRequest = z.discriminatedUnion('command', [
  /** Loads the version of a folder beside those that are loaded; it is asked by its folder's name. */
  z.strictObject({ command: z.literal('load'), folder: z.string() }),
  /** Has sessions that begin from now on answered by a version that is loaded, in place of others that are asked by the same name. */
  z.strictObject({ command: z.literal('use'), version: z.string() }),
  /** Forgets all versions but these, and but those by which a session is still asked. */
  z.strictObject({ command: z.literal('keep'), versions: z.array(z.string()) }),
  z.strictObject({ command: z.literal('status') }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;

const loadedVersion = z.object({
  name: z.string(),
  revision: z.int(),
  /** False where sessions that begin now are answered by another one that is asked by the same name. */
  answers: z._default(z.boolean(), true),
  /** Enabled entries of the lists that are asked. */
  entries: z.record(z.string(), z.int()),
});

export const guardStatus = z.object({
  pid: z.int(),
  /** What it runs (`softwareVersion`), read at its start; empty from one that does not tell. */
  software: z._default(z.string(), ''),
  versions: z.array(loadedVersion),
  sessions: z.int(),
  /** Of the process, resident. */
  memoryBytes: z.int(),
});
export type GuardStatus = z.infer<typeof guardStatus>;

/** Every command is answered with how things are then, or with why it was not done. */
export const controlAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), status: guardStatus }),
  z.object({ ok: z.literal(false), message: z.string() }),
]);
export type ControlAnswer = z.infer<typeof controlAnswer>;

/** More than a path and some names. */
export const longestControlLine = 1024 * 1024;
