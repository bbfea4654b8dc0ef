import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../../shared/domain/sha256-code.ts';
import { longestMessage, sha256Lanes } from '../../../shared/domain/sha256-lanes.ts';

const lanes = sha256Lanes();

const digests = (messages: readonly Uint8Array[]): string[] => {
  if (!lanes) throw new TypeError('this platform has no vectors');
  messages.forEach((message, n) => {
    lanes.blocks.set(message, n * blockBytes);
    lanes.finish(n, message.length);
  });
  const [highs, lows] = [new Uint32Array(messages.length + 1), new Uint32Array(messages.length + 1)];
  lanes.digest(messages.length, highs, lows, 1);
  const hex = (value: number | undefined) => (value ?? 0).toString(16).padStart(8, '0');
  return messages.map((_, n) => hex(highs[n + 1]) + hex(lows[n + 1]));
};

const expected = (message: Uint8Array) => createHash('sha256').update(message).digest('hex').slice(0, 16);

describe('hashing in lanes', () => {
  it('gives the first 8 bytes of the sha-256 of every message of one block', () => {
    const message = fc.uint8Array({ maxLength: longestMessage });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        expect(digests(messages)).toEqual(messages.map(expected));
      }),
    );
  });

  it('takes as many messages at once as it says, of every length', () => {
    const messages = Array.from({ length: lanes?.capacity ?? 0 }, (_, n) =>
      Buffer.from('x'.repeat(n % (longestMessage + 1))),
    );

    expect(digests(messages)).toEqual(messages.map(expected));
    expect(digests(messages.toReversed())).toEqual(messages.toReversed().map(expected));
  });
});
