import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import { directorySourcesArtifact } from '../../../shared/domain/artifacts.ts';
import type { Keys } from '../../../shared/domain/lists/keys.ts';
import { artifactFile, listFile } from '../../version-folder.ts';
import {
  type Direction,
  type GuardConfiguration,
  type GuardListener,
  guardConfiguration,
  guardFile,
  readContext,
} from '../guard-configuration.ts';
import type { Rules } from './access.ts';
import type { Directory } from './ldap-source.ts';
import { listReader } from './list-file.ts';

/** What the guard holds of a version folder, named by it. */
export interface GuardVersion extends Rules {
  name: string;
  /** By whose name Postfix asks: its own, or that of an earlier one. */
  askedAs: string;
  configuration: GuardConfiguration;
  directories: readonly Directory[];
}

/** As much of the artifact `directory-sources` as is needed to ask them. */
const sourcesSchema = z.object({
  sources: z.array(
    z.object({
      host: z.string(),
      port: z.int(),
      tls: z.enum(['none', 'start-tls', 'ldaps']),
      bindDn: z.nullable(z.string()),
      bindPassword: z.nullable(z.string()),
      baseDn: z.string(),
      userFilter: z.string(),
      timeoutSeconds: z.number(),
    }),
  ),
});

const readJson = async <T>(path: string, schema: z.ZodMiniType<T>): Promise<T> => {
  const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${basename(path)} is not what it should be at /${issue?.path.join('/')}`);
};

const directoriesOf = async (
  folder: string,
  { source }: GuardConfiguration,
): Promise<readonly Directory[]> =>
  source?.type === 'ldap'
    ? (await readJson(join(folder, artifactFile(directorySourcesArtifact)), sourcesSchema)).sources
    : [];

/** Sections whose list is asked; what accepts all needs none. */
const listedDirections = ({ rules }: GuardConfiguration): Direction[] =>
  (Object.keys(rules) as Direction[]).filter((direction) => rules[direction]?.accept === 'listed');

/**
 * As many versions as are held for sessions alone, of those that are asked by one name: lists may be long, and change oftener than sessions end. Sessions of one
 * that goes are answered by the one in use.
 */
const mostForSessions = 8;

/**
 * The versions that are asked: several at once, for sessions of an old configuration are answered by its rules. A folder never changes once it is
 * loaded.
 */
export const versionStore = () => {
  const readList = listReader();
  const versions = new Map<string, GuardVersion>();
  const kept = new Set<string>();
  /** By the name that Postfix asks by: the version that new sessions are answered by. */
  const used = new Map<string, string>();
  let ports: ReadonlySet<number> = new Set();

  const portsOf = ({ configuration }: GuardVersion): number[] =>
    Object.values(configuration.listeners).map(({ port }) => port);
  const notePorts = (): void => {
    ports = new Set([...versions.values()].flatMap(portsOf));
  };

  const read = async (folder: string): Promise<GuardVersion> => {
    const configuration = await readJson(join(folder, guardFile), guardConfiguration);
    const lists = new Map<Direction, Keys>();
    for (const direction of listedDirections(configuration))
      lists.set(direction, await readList(join(folder, listFile(direction))));
    const directories = await directoriesOf(folder, configuration);
    const name = basename(folder);
    const { rules, askedAs = name } = configuration;
    return { name, askedAs, configuration, rules, lists, directories };
  };

  const loaded = (name: string): GuardVersion => {
    const version = versions.get(name);
    if (!version) throw new Error(`not loaded: ${name}`);
    return version;
  };

  /** Of the versions that are asked by one name, the one that answers; the only one, where none was chosen. */
  const answering = (askedAs: string): GuardVersion | undefined =>
    versions.get(used.get(askedAs) ?? '') ??
    [...versions.values()].find((version) => version.askedAs === askedAs);

  const forgetOldest = (): void => {
    const waiting = new Map<string, string[]>();
    for (const { name, askedAs } of versions.values())
      if (!kept.has(name)) waiting.set(askedAs, [...(waiting.get(askedAs) ?? []), name]);
    for (const [askedAs, names] of waiting)
      if (kept.has(answering(askedAs)?.name ?? ''))
        for (const name of names.slice(0, -mostForSessions)) versions.delete(name);
  };

  return {
    /** Loads a version; the others are answered meanwhile. When it throws, nothing has changed. */
    async load(folder: string): Promise<GuardVersion> {
      const version = versions.get(basename(folder)) ?? (await read(folder));
      versions.set(version.name, version);
      kept.add(version.name);
      notePorts();
      return version;
    },
    /** Sessions that begin now are answered by this version, those that are under way by the one that let them in. */
    use(name: string): void {
      used.set(loaded(name).askedAs, name);
    },
    answers: (name: string): boolean => answering(loaded(name).askedAs)?.name === name,
    /**
     * Forgets all other versions, but those with sessions under way, as far as these are not too many: they go at a later call. Does nothing where
     * one of these is not loaded.
     */
    keep(names: readonly string[], inUse: ReadonlySet<string | null> = new Set()): void {
      names.forEach(loaded);
      for (const name of versions.keys()) {
        if (names.includes(name)) continue;
        kept.delete(name);
        if (!inUse.has(name)) versions.delete(name);
      }
      forgetOldest();
      for (const [askedAs, name] of used) if (!versions.has(name)) used.delete(askedAs);
      notePorts();
    },
    /**
     * The version and the listener that a context names; null where there is none. Of several versions of that name it is the one that the session was let in
     * by, if there is one.
     */
    find(
      context: string,
      letInBy: string | null = null,
    ): { version: GuardVersion; listener: GuardListener } | null {
      const read = readContext(context);
      const own = versions.get(letInBy ?? '');
      const version = own && own.askedAs === read?.version ? own : answering(read?.version ?? '');
      const listener = version?.configuration.listeners[read?.listener ?? ''];
      return version && listener ? { version, listener } : null;
    },
    /** Those that are to be kept. */
    all: (): GuardVersion[] => [...versions.values()].filter(({ name }) => kept.has(name)),
    /** True for a port that a loaded version listens on. */
    listensOn: (port: number): boolean => ports.has(port),
  };
};
export type VersionStore = ReturnType<typeof versionStore>;
