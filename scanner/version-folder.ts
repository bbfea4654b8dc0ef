import { createHash } from 'node:crypto';
import type * as fs from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type SmtpDesired, smtpDesired } from '../shared/messages/shadow.ts';
import { digest } from '../shared/schemas/common.ts';
import type { ListName } from '../shared/schemas/lists.ts';
import type { ListContent } from './sink.ts';

/** The calls of `node:fs/promises` that a folder sink makes; an argument, so that a test can end the process between any two. */
export type Files = Pick<
  typeof fs,
  | 'copyFile'
  | 'link'
  | 'mkdir'
  | 'open'
  | 'readFile'
  | 'readdir'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'symlink'
  | 'writeFile'
>;

/** What was applied and what each file must be, beside the files themselves, so that both are switched at once. */
const recordSchema = z.object({
  format: z.literal(1),
  /** Checked, but kept as it is: a schema would order its members anew. */
  desired: z.custom<SmtpDesired>((value) => smtpDesired.safeParse(value).success),
  /** Path in the folder to the sha-256 of the file. */
  files: z.record(z.string(), digest),
  /** Name of the version folder that was in force before. */
  previous: z.nullable(z.string()),
});
export type VersionRecord = z.infer<typeof recordSchema>;

const recordFile = 'record.json';
export const configurationFile = 'configuration.json';
export const listFile = (name: ListName): string => join('lists', `${name}.txt`);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const document = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Makes a folder's entries last through a power failure. */
export const syncFolder = async (files: Files, path: string): Promise<void> => {
  const folder = await files.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Writes pieces to a new file, makes them last, and answers their sha-256. */
const writeNew = async (
  files: Files,
  path: string,
  pieces: AsyncIterable<string> | [string],
): Promise<string> => {
  const hash = createHash('sha256');
  const file = await files.open(path, 'wx');
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await file.appendFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
};

/** The version in force, from which unchanged lists are taken. */
export interface Version {
  name: string;
  path: string;
  record: VersionRecord;
}

/** An unchanged list is the same file under a second name, or a copy where the file system has no such thing. */
const takeOver = async (files: Files, from: Version | null, to: string, name: ListName): Promise<string> => {
  const hash = from?.record.files[listFile(name)];
  if (!from || hash === undefined) throw new TypeError(`There is no ${name} list as applied.`);
  const source = join(from.path, listFile(name));
  const target = join(to, listFile(name));
  await files.link(source, target).catch(() => files.copyFile(source, target));
  return hash;
};

/** Builds a whole version in the folder `path`, which must not exist. Nobody reads it before it is switched to. */
export const buildVersion = async (
  files: Files,
  path: string,
  content: { desired: SmtpDesired; lists: ReadonlyMap<ListName, ListContent>; from: Version | null },
): Promise<VersionRecord> => {
  const { desired, lists, from } = content;
  await files.mkdir(join(path, 'lists'), { recursive: true });
  const hashes: Record<string, string> = {};
  for (const [name, list] of lists)
    hashes[listFile(name)] =
      list === 'as-applied'
        ? await takeOver(files, from, path, name)
        : await writeNew(files, join(path, listFile(name)), list);
  hashes[configurationFile] = await writeNew(files, join(path, configurationFile), [document(desired)]);
  const record: VersionRecord = { format: 1, desired, files: hashes, previous: from?.name ?? null };
  await writeNew(files, join(path, recordFile), [document(record)]);
  await syncFolder(files, join(path, 'lists'));
  await syncFolder(files, path);
  return record;
};

const hashOfFile = async (files: Files, path: string): Promise<string> => {
  const hash = createHash('sha256');
  const file = await files.open(path, 'r');
  try {
    for await (const piece of file.createReadStream({ autoClose: false })) hash.update(piece);
  } finally {
    await file.close();
  }
  return hash.digest('hex');
};

/** What the folder must hold for its record to be the truth. */
const expectedFiles = ({ desired }: VersionRecord): string[] => [
  configurationFile,
  ...Object.keys(desired.lists).map((name) => listFile(name as ListName)),
];

const verifies = async (files: Files, path: string, record: VersionRecord): Promise<boolean> => {
  if (record.files[configurationFile] !== sha256(document(record.desired))) return false;
  for (const name of expectedFiles(record))
    if ((await hashOfFile(files, join(path, name))) !== record.files[name]) return false;
  return true;
};

/** The record of a version folder, if each of its files is what the record says; null for any other folder. */
export const readVersion = async (files: Files, path: string): Promise<VersionRecord | null> => {
  try {
    const record = recordSchema.parse(JSON.parse(await files.readFile(join(path, recordFile), 'utf8')));
    return (await verifies(files, path, record)) ? record : null;
  } catch {
    return null;
  }
};
