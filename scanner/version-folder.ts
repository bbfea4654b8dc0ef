import { createHash } from 'node:crypto';
import type * as fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { type Desired, digestOfAdvanced } from '../shared/domain/desired.ts';
import { smtpAdvancedDesired, smtpDesired } from '../shared/messages/shadow.ts';
import { digest } from '../shared/schemas/common.ts';
import type { ListName } from '../shared/schemas/lists.ts';
import { makeFolder } from './make-folder.ts';
import { sha256 } from './sha256.ts';
import type { Contents } from './sink.ts';

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

const isDesired = (value: unknown): value is Desired => {
  const { smtp, advanced } = (value ?? {}) as Partial<Desired>;
  return (
    smtpDesired.safeParse(smtp).success &&
    smtpAdvancedDesired.safeParse(advanced).success &&
    digestOfAdvanced(advanced ?? {}, sha256) === smtp?.advanced
  );
};

/** What was applied and what each file must be, beside the files themselves, so that both are switched at once. */
const recordSchema = z.object({
  format: z.literal(2),
  /** Checked, but kept as it is: a schema would order its members anew. */
  desired: z.custom<Desired>(isDesired),
  /** Path in the folder to the sha-256 of the file. */
  files: z.record(z.string(), digest),
  /** Name of the version folder that was in force before. */
  previous: z.nullable(z.string()),
});
export type VersionRecord = z.infer<typeof recordSchema>;

const recordFile = 'record.json';
export const configurationFile = 'configuration.json';
const listsFolder = 'lists';
const artifactsFolder = 'artifacts';
export const listFile = (name: ListName): string => join(listsFolder, `${name}.txt`);
export const artifactFile = (name: string): string => join(artifactsFolder, `${name}.json`);

/** Artifacts may be secret: nobody but the Scanner's own user reads them. */
const secretModes = { folder: 0o700, file: 0o600 } as const;
const fileMode = 0o666;

/** What `configuration.json` says: the settings as desired, with the advanced settings themselves where their digest stood. */
export const configurationOf = ({ smtp, advanced }: Desired) => ({ ...smtp, advanced });

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

/** What a file of a version is made of; `as-applied` takes over the one of the version in force. */
type FileContent = AsyncIterable<string> | readonly string[] | 'as-applied';

interface NewFile {
  path: string;
  content: FileContent;
  mode: number;
  /** It is made older than it is. */
  aged?: boolean;
}

/** More than a reader waits to trust a file that was just written, in seconds: Postfix reads a file again until it is two seconds old (dict.c: "pausing to let file cool down"). */
const age = 10;

const makeOlder = async (file: FileHandle): Promise<void> => {
  const seconds = (await file.stat()).mtimeMs / 1000 - age;
  await file.utimes(seconds, seconds);
};

/** Writes pieces to a new file, makes them last, and answers their sha-256. */
const writeNew = async (
  files: Files,
  path: string,
  pieces: Exclude<FileContent, 'as-applied'>,
  { mode = fileMode, aged = false }: { mode?: number; aged?: boolean } = {},
): Promise<string> => {
  const hash = createHash('sha256');
  const file = await files.open(path, 'wx', mode);
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await file.appendFile(piece);
    }
    if (aged) await makeOlder(file);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
};

/** The version in force, from which unchanged files are taken. */
export interface Version {
  name: string;
  path: string;
  record: VersionRecord;
}

/** What has not changed is the same file under a second name, or a copy, its mode with it, where the file system has no such thing. */
const takeOver = async (files: Files, from: Version | null, to: string, path: string): Promise<string> => {
  const hash = from?.record.files[path];
  if (!from || hash === undefined) throw new TypeError(`There is no ${path} as applied.`);
  const source = join(from.path, path);
  const target = join(to, path);
  await files.link(source, target).catch(() => files.copyFile(source, target));
  return hash;
};

const filesOf = ({ lists, artifacts }: Contents): NewFile[] => [
  ...[...lists].map(([name, content]) => ({ path: listFile(name), content, mode: fileMode })),
  ...[...artifacts].map(([name, content]) => ({
    path: artifactFile(name),
    content: content === 'as-applied' ? content : [content.text],
    mode: secretModes.file,
  })),
];

const makeFolders = async (files: Files, path: string): Promise<void> => {
  await makeFolder(files, join(path, listsFolder));
  await files.mkdir(join(path, artifactsFolder), { mode: secretModes.folder });
};

/** A file that is made of a configuration, beside what came with it. */
export interface DerivedFile {
  text: string;
  /** For the Scanner's own user alone. */
  secret: boolean;
}

/** What a version is made of. */
export interface Making {
  desired: Desired;
  contents: Contents;
  /** The version in force. */
  from: Version | null;
  /** Makes more files, by their paths in the folder, once lists and artifacts are there. What it throws ends the making. */
  derive?: (folder: string) => Promise<Record<string, DerivedFile>>;
}

const derivedFiles = async (path: string, { derive }: Making): Promise<NewFile[]> =>
  Object.entries((await derive?.(path)) ?? {}).map(([name, { text, secret }]) => ({
    path: name,
    content: [text],
    mode: secret ? secretModes.file : fileMode,
    aged: true,
  }));

const foldersOf = (hashes: Record<string, string>): string[] => [
  ...new Set([listsFolder, artifactsFolder, ...Object.keys(hashes).map(dirname)]),
];

/** Builds a whole version in the folder `path`, which must not exist. Nobody reads it before it is switched to. */
export const buildVersion = async (files: Files, path: string, making: Making): Promise<VersionRecord> => {
  const { desired, contents, from } = making;
  await makeFolders(files, path);
  const hashes: Record<string, string> = {};
  const put = async ({ path: name, content, ...how }: NewFile): Promise<void> => {
    hashes[name] =
      content === 'as-applied'
        ? await takeOver(files, from, path, name)
        : await writeNew(files, join(path, name), content, how);
  };
  for (const file of filesOf(contents)) await put(file);
  for (const file of await derivedFiles(path, making)) {
    await makeFolder(files, dirname(join(path, file.path)));
    await put(file);
  }
  const configuration = document(configurationOf(desired));
  await put({ path: configurationFile, content: [configuration], mode: fileMode });
  const record: VersionRecord = { format: 2, desired, files: hashes, previous: from?.name ?? null };
  await writeNew(files, join(path, recordFile), [document(record)]);
  for (const folder of foldersOf(hashes)) await syncFolder(files, join(path, folder));
  return record;
};

/** Paths of what was derived in a version. */
export const derivedNames = ({ files }: VersionRecord): string[] =>
  Object.keys(files).filter(
    (name) => name !== configurationFile && ![listsFolder, artifactsFolder].includes(dirname(name)),
  );

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

/** What the folder must hold for its record to be the truth, by path: the sha-256 that each file must have. */
const expectedFiles = ({ desired, files }: VersionRecord): [string, string | undefined][] => [
  ...Object.entries(files),
  [configurationFile, sha256(document(configurationOf(desired)))],
  ...Object.keys(desired.smtp.lists).map((name): [string, string | undefined] => {
    const path = listFile(name as ListName);
    return [path, files[path]];
  }),
  ...Object.entries(desired.smtp.artifacts ?? {}).map(([name, hash]): [string, string] => [
    artifactFile(name),
    hash,
  ]),
];

const verifies = async (files: Files, path: string, record: VersionRecord): Promise<boolean> => {
  const hashes = new Map<string, string>();
  for (const name of Object.keys(record.files)) hashes.set(name, await hashOfFile(files, join(path, name)));
  return expectedFiles(record).every(([name, hash]) => hash !== undefined && hashes.get(name) === hash);
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
