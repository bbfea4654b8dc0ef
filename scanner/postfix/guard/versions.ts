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
 * The versions that are asked: several at once, for sessions of an old configuration are answered by its rules. A folder never changes once it is
 * loaded.
 */
export const versionStore = () => {
  const readList = listReader();
  const versions = new Map<string, GuardVersion>();
  const kept = new Set<string>();
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
    return { name: basename(folder), configuration, rules: configuration.rules, lists, directories };
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
    /**
     * Forgets all other versions, but those with sessions under way: these go at a later call. Does nothing where one of these is not
     * loaded.
     */
    keep(names: readonly string[], inUse: ReadonlySet<string | null> = new Set()): void {
      const missing = names.filter((name) => !versions.has(name));
      if (missing.length > 0) throw new Error(`not loaded: ${missing.join(', ')}`);
      for (const name of versions.keys()) {
        if (names.includes(name)) continue;
        kept.delete(name);
        if (!inUse.has(name)) versions.delete(name);
      }
      notePorts();
    },
    /** The version and the listener that a context names; null where there is none. */
    find(context: string): { version: GuardVersion; listener: GuardListener } | null {
      const read = readContext(context);
      const version = read ? versions.get(read.version) : undefined;
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
