import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mayOpenRelay } from '../../../../shared/domain/lists/entry.ts';
import { sortEntries } from '../../../../shared/domain/lists/order.ts';
import { chunksWithWide } from '../../../../shared/domain/lists/wide.ts';
import { entryOf, inChunks, list } from './pieces.ts';

it('no network that may open a relay is outside of the chunks that are looked at', () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 6 }), (entries, size) => {
      const { manifest, parts } = inChunks(entries, size);
      const looked = new Set(chunksWithWide(manifest).map(({ sha256 }) => sha256));
      for (const [index, { sha256 }] of manifest.chunks.entries())
        if ((parts[index] ?? []).some(mayOpenRelay)) expect(looked.has(sha256)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('networks just below, in and above the IPv4-mapped ones are found as well', () => {
  const values = [
    '::5/128',
    '::ffff:0.0.0.0/103',
    '::ffff:10.0.0.0/103',
    '::ffff:0:0:1/128',
    '::1:0:0:0:1/128',
    '4000::/2',
  ];
  const entries = sortEntries(values.map((text) => entryOf(text)));
  for (const size of [1, 2, 3, 6]) {
    const { manifest, parts } = inChunks(entries, size);
    const looked = new Set(chunksWithWide(manifest).map(({ sha256 }) => sha256));
    for (const [index, { sha256 }] of manifest.chunks.entries())
      if ((parts[index] ?? []).some(mayOpenRelay)) expect(looked.has(sha256)).toBe(true);
  }
});

it('of a long list of narrow networks few chunks are looked at', () => {
  const entries = sortEntries(
    Array.from({ length: 3000 }, (_, index) =>
      entryOf(`${20 + (index % 3)}.${index & 127}.${index >> 4}.0/24`),
    ),
  );
  expect(chunksWithWide(inChunks(entries, 10).manifest).length).toBeLessThanOrEqual(3);
});
