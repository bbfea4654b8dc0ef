import { mappedIpv4, parseIpv6 } from './addresses.ts';
import type { ChunkReference, Manifest } from './chunks.ts';
import { entryOfStored, mayOpenRelay, type ParsedEntry } from './entry.ts';
import { compareEntries } from './order.ts';

/** Keys between the bases of two neighbouring IPv4 networks of /7. */
const ipv4Block = 2 ** 31;
const mappedEnd = entryOfStored('::ffff:255.255.255.255');

/** Names the smallest network that may open a relay around an entry; inside of it only its very first entries can be as wide. */
const blockOf = (entry: ParsedEntry): string => {
  if (typeof entry.key === 'number') return `4:${Math.floor(entry.key / ipv4Block)}`;
  if (entry.kind === 'domain') return 'domain';
  const groups = parseIpv6(entry.value.split('/')[0] ?? '') ?? [];
  const mapped = mappedIpv4(groups);
  if (mapped !== null) return `m:${mapped >>> 25}`;
  return `6:${(groups[0] ?? 0) >> 1}:${compareEntries(entry, mappedEnd) > 0}`;
};

const hasNetworks = ({ kinds }: ChunkReference): boolean =>
  (kinds['ipv4-network'] ?? 0) + (kinds['ipv6-network'] ?? 0) > 0;

/** Chunks that can hold a network wide enough to open a relay: few, for such networks begin where few others do. */
export const chunksWithWide = ({ chunks }: Pick<Manifest, 'chunks'>): ChunkReference[] =>
  chunks.filter((chunk, index) => {
    const next = chunks[index + 1];
    if (!hasNetworks(chunk)) return false;
    const first = entryOfStored(chunk.first);
    return !next || mayOpenRelay(first) || blockOf(first) !== blockOf(entryOfStored(next.first));
  });
