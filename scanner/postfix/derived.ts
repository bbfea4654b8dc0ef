import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Desired } from '../../shared/domain/desired.ts';
import { decodeHosts } from '../../shared/domain/hosts.ts';
import { entryOfLine } from '../../shared/domain/lists/chunks.ts';
import { accessListNames, type HostListName, type ListName } from '../../shared/schemas/lists.ts';
import { parsedJson } from '../parsed-json.ts';
import { ConfigurationRefused } from '../sink.ts';
import { artifactFile, derivedNames, listFile, type Version } from '../version-folder.ts';
import { readEnd } from './file-end.ts';
import { guardConfiguration, guardFile } from './guard-configuration.ts';
import type { Home } from './home.ts';
import { changeOf } from './render/change.ts';
import { mainFile } from './render/files.ts';
import type { RenderInput } from './render/input.ts';
import { type Rendered, renderPostfix } from './render/render.ts';

/** More than the longest entry. */
const tailBytes = 512;

/** The last line of a text file of whatever length; empty where there is none. */
const lastLine = async (path: string): Promise<string> =>
  (await readEnd(path, tailBytes)).trimEnd().split('\n').at(-1) ?? '';

/** What a version folder holds of settings, lists and artifacts, before anything is derived from it. */
export interface Source {
  path: string;
  desired: Desired;
}

const isThere = ({ desired }: Source, name: ListName): boolean => desired.smtp.lists[name] !== undefined;

const listsWithDomains = async (source: Source): Promise<RenderInput['withDomains']> => {
  const names = accessListNames.filter((name) => isThere(source, name));
  const lines = await Promise.all(names.map((name) => lastLine(join(source.path, listFile(name)))));
  // Domains are last in a list.
  return names.filter((_, index) => lines[index] !== '' && entryOfLine(lines[index] ?? '').kind === 'domain');
};

const hostsIn = async (source: Source, name: HostListName) =>
  isThere(source, name) ? decodeHosts(await readFile(join(source.path, listFile(name)), 'utf8')) : [];

const artifactTexts = async ({ path, desired }: Source): Promise<Map<string, string>> => {
  const texts = new Map<string, string>();
  for (const name of Object.keys(desired.smtp.artifacts ?? {}))
    texts.set(name, await readFile(join(path, artifactFile(name)), 'utf8'));
  return texts;
};

/** A version as Postfix knows it: its name and its folder. */
interface Known {
  name: string;
  path: string;
}

const itself = (path: string): Known => ({ name: basename(path), path });

/** As which version Postfix knows that of a folder: itself, or an earlier one, from which it differs in nothing that Postfix has. */
export const askedAs = async (path: string): Promise<Known> => {
  const text = await readFile(join(path, guardFile), 'utf8').catch(() => '');
  const { data } = guardConfiguration.safeParse(parsedJson(text));
  return itself(join(dirname(path), data?.askedAs ?? basename(path)));
};

/**
 * Renders the configuration of Postfix and of the guard, for a version that Postfix is to know as itself, or as an earlier one.
 * @throws ConfigurationRefused where they cannot honour it.
 */
export const deriveFrom = async (
  home: Home,
  source: Source,
  known: Known = itself(source.path),
): Promise<Rendered> => {
  const { path, desired } = source;
  const rendering = renderPostfix({
    name: basename(path),
    desired,
    hosts: { localDelivery: await hostsIn(source, 'local-delivery'), relay: await hostsIn(source, 'relay') },
    artifacts: await artifactTexts(source),
    withDomains: await listsWithDomains(source),
    place: home.placeOf(known),
  });
  if (!('refusals' in rendering)) return rendering;
  const [first] = rendering.refusals;
  throw new ConfigurationRefused(first ?? { pointer: '', message: 'Postfix cannot honour this.' });
};

/**
 * Renders a version that is to follow another: where that changes nothing that Postfix has, as what the other is known as, so that Postfix goes on as it is.
 * @throws ConfigurationRefused
 */
export const deriveAfter = async (home: Home, source: Source, from: Version | null): Promise<Rendered> => {
  const before = from && (await renderedIn(from));
  if (!before) return deriveFrom(home, source);
  const known = await askedAs(from.path);
  const after = await deriveFrom(home, source, known);
  const isSame = changeOf(before, after) === 'none' && (await hasFiles(known, after));
  return isSame ? after : deriveFrom(home, source);
};

/** False for a version that another sink has made. */
export const isRendered = ({ record }: Pick<Version, 'record'>): boolean =>
  derivedNames(record).includes(mainFile);

type Files = Pick<Rendered, 'files'>;

const filesIn = async (path: string, names: readonly string[]): Promise<Files> => {
  const files: Rendered['files'] = {};
  for (const name of names) files[name] = { text: await readFile(join(path, name), 'utf8'), secret: true };
  return { files };
};

/** What was rendered into a version, as it lies there; null for a version that another sink has made, or of which a file has gone. */
export const renderedIn = async ({ path, record }: Version): Promise<Files | null> =>
  isRendered({ record }) ? filesIn(path, derivedNames(record)).catch(() => null) : null;

/** True where the folder of what Postfix knows a version as has all that Postfix reads there, as it was rendered. */
export const hasFiles = async ({ path }: Known, { files }: Files): Promise<boolean> => {
  const there = await filesIn(path, Object.keys(files)).catch(() => null);
  return there !== null && changeOf(there, { files }) === 'none';
};
