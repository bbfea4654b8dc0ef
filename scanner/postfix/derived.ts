import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Desired } from '../../shared/domain/desired.ts';
import { decodeHosts } from '../../shared/domain/hosts.ts';
import { entryOfLine } from '../../shared/domain/lists/chunks.ts';
import { accessListNames, type HostListName, type ListName } from '../../shared/schemas/lists.ts';
import { ConfigurationRefused } from '../sink.ts';
import { artifactFile, derivedNames, listFile, type Version } from '../version-folder.ts';
import { readEnd } from './file-end.ts';
import type { Home } from './home.ts';
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

/**
 * Renders the configuration of Postfix and of the guard.
 * @throws ConfigurationRefused where they cannot honour it.
 */
export const deriveFrom = async (home: Home, source: Source): Promise<Rendered> => {
  const { path, desired } = source;
  const rendering = renderPostfix({
    desired,
    hosts: { localDelivery: await hostsIn(source, 'local-delivery'), relay: await hostsIn(source, 'relay') },
    artifacts: await artifactTexts(source),
    withDomains: await listsWithDomains(source),
    place: home.placeOf({ name: basename(path), path }),
  });
  if (!('refusals' in rendering)) return rendering;
  const [first] = rendering.refusals;
  throw new ConfigurationRefused(first ?? { pointer: '', message: 'Postfix cannot honour this.' });
};

/** False for a version that another sink has made. */
export const isRendered = ({ record }: Pick<Version, 'record'>): boolean =>
  derivedNames(record).includes(mainFile);

/** What was rendered into a version, as it lies there; null for a version that another sink has made. */
export const renderedIn = async ({ path, record }: Version): Promise<Pick<Rendered, 'files'> | null> => {
  if (!isRendered({ record })) return null;
  const files: Rendered['files'] = {};
  for (const name of derivedNames(record))
    files[name] = { text: await readFile(join(path, name), 'utf8'), secret: true };
  return { files };
};
