import { createHash } from 'node:crypto';
import { accessFormat, type BuiltList, buildList } from '../../../shared/domain/lists/chunks.ts';
import type { AccessEntry } from '../../../shared/schemas/lists.ts';

export const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The stored form of a list of IPv4 addresses; each tenth is disabled. */
export const listOf = (size: number, first = 0): BuiltList => {
  const entries: AccessEntry[] = [];
  for (let index = first; index < first + size; index++) {
    const value = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
    entries.push({ value, kind: 'ipv4', enabled: index % 10 !== 9 });
  }
  return buildList(entries, accessFormat, sha);
};

/** Everything that a list consists of, by its hash. */
export const objectsOf = (...lists: BuiltList[]): Map<string, string> =>
  new Map(
    lists.flatMap((list) => [
      [list.root, list.manifestText] as const,
      ...list.chunks.map((chunk) => [chunk.sha256, chunk.text] as const),
    ]),
  );

/** What a Scanner lets in by it. */
export const enabledOf = (list: BuiltList): string =>
  list.chunks
    .flatMap((chunk) => chunk.text.split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => `${line}\n`)
    .join('');
