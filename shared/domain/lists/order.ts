import type { AccessEntry, EntryKind } from '../../schemas/lists.ts';
import { entryOfStored } from './entry.ts';

/** An entry with the key that orders it among its family. */
export interface ListEntry extends AccessEntry {
  key: number | string;
}

const family: Record<EntryKind, number> = {
  ipv4: 0,
  'ipv4-network': 0,
  ipv6: 1,
  'ipv6-network': 1,
  domain: 2,
};

type Ordered = Pick<ListEntry, 'kind' | 'key'>;

/** All IPv4 by address then prefix, then all IPv6 likewise, then domains bytewise (they are ASCII). Total on canonical values. */
export const compareEntries = (one: Ordered, other: Ordered): number => {
  const families = family[one.kind] - family[other.kind];
  if (families !== 0) return families;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
};

export const sortEntries = <T extends Ordered>(entries: T[]): T[] => entries.sort(compareEntries);

/** A stored entry with its key. */
export const keyed = (entry: AccessEntry): ListEntry => ({ ...entry, key: entryOfStored(entry.value).key });
