import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Edges, publishScanner } from '../../../functions/workers/publish-scanner.ts';
import { type Memory, reconcile } from '../../../scanner/reconcile.ts';
import type { Contents } from '../../../scanner/sink.ts';
import { everyList, firstHead, type Head, nextHead } from '../../../shared/domain/configuration.ts';
import { type Desired, desiredOf } from '../../../shared/domain/desired.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { root } from '../scanner/documents.ts';
import { sha } from '../scanner/lists-of.ts';
import { shadowsOf } from '../scanner/shadows-of.ts';
import { seeded, turns } from '../scanner/turns.ts';

const empty = { root: root('a'), entries: 0, enabled: 0 };
const lists = everyList(empty);
const registered = firstHead('mx1', lists, 'me', 'x');

/** Some settings and advanced settings of a small choice, so that a later head may equal an earlier one in part. */
const configured = (head: Head, random: () => number): Head => {
  const pick = (most: number) => Math.floor(random() * most);
  const both = pick(2) === 0;
  const ipv4 = { address: '192.0.2.1', port: 25 + pick(2) };
  const smtp = smtpSettings.parse({
    mailFiltering: both ? 'inbound-and-outbound' : 'inbound',
    inbound: { ipv4 },
    ...(both ? { outbound: { ipv4 }, authentication: { enabled: false } } : {}),
  });
  const advanced = advancedSettings.parse({
    delivery: { minRetryMinutes: 1 + pick(2) },
    outbound: pick(2) === 0 ? {} : { defaultSenderDomain: 'a.example' },
    bindings: pick(2) === 0 ? {} : { domains: [{ domain: 'b.example', sources: ['auto'] }] },
  });
  return nextHead(head, { ...head.configuration, smtp, advanced }, 'me', 'x');
};

const wantedOf = (head: Head): Desired => desiredOf(head, sha) as Desired;

/** The process is gone; what it had asked for may have been done. */
class Died extends Error {}

/** What others may write into the shadows; a Scanner's own certificate can. */
const vandalism: [string, object][] = [
  [advancedShadow, { delivery: { minRetryMinutes: 77, tarpit: true }, inbound: null }],
  [advancedShadow, { delivery: [1, 2], constructor: { a: 1 } }],
  [smtpShadow, { revision: 99, lists: { inbound: null, more: 1 }, constructor: 1 }],
  [smtpShadow, { advanced: root('f'), outbound: 'x' }],
  [smtpShadow, { revision: null, artifacts: { __proto__x: { a: 1 } } }],
];

interface World {
  /** Chance that a publisher dies at a step. */
  death: number;
  /** Heads that are committed, and times that somebody writes into the shadows, among all the rest. */
  heads: number;
  edits: number;
}

/** A world of one Scanner: its head, its shadows, publishers woken twice by each head, and itself. */
const worldOf = (seed: number, { death, heads, edits }: World) => {
  const random = seeded(seed);
  const { turn, run } = turns(random);
  const shadows = shadowsOf('mx1');
  const wanted = new Map<number, Desired>();
  const puts: Desired[] = [];
  const backwards: string[] = [];
  let head = registered;
  let mortal = death > 0;
  let published = 0;

  const live = async <T>(work: () => T): Promise<T> => {
    const dies = () => mortal && random() < death;
    await turn();
    if (dies()) throw new Died();
    const result = work();
    await turn();
    if (dies()) throw new Died();
    return result;
  };

  const update = (name: string, change: object, version?: number): number | null => {
    const before = Number(shadows.get(smtpShadow)?.state.desired?.['revision'] ?? 0);
    const moved = shadows.update(name, change, version);
    const after = Number(shadows.get(smtpShadow)?.state.desired?.['revision'] ?? 0);
    if (after < before) backwards.push(`${before} to ${after}`);
    return moved;
  };

  const edges: Edges = {
    getShadow: (_, name) => live(() => shadows.get(name) as never),
    updateShadow: (_, name, state, version) => live(() => update(name, state, version)),
    reopenClearing: async () => undefined,
    awaitTurn: () => live(() => undefined),
    readState: () => live(() => ({ head, scanner: { enabled: true } as never })),
    putPublished: (_, { revision }) =>
      live(() => {
        published = Math.max(published, revision);
        return true;
      }),
  };

  /** A record of the stream: whoever dies on it is given it again. */
  const delivered = async (): Promise<void> => {
    for (;;) {
      const outcome = await publishScanner('mx1', new Date(0), edges).catch((error: unknown) => error);
      if (outcome instanceof Died) continue;
      if (outcome instanceof Error) throw outcome;
      return;
    }
  };

  const memory: Memory = { applied: null, previous: null, refused: null };
  const contents: Contents = { lists: new Map(), artifacts: new Map() };
  const pass = () =>
    reconcile({
      conversation: {
        shadow: async (name) => {
          await turn();
          const shadow = shadows.get(name);
          return shadow && { ...shadow.state, version: shadow.version };
        },
        report: async (name, reported) => {
          await turn();
          return Number(shadows.update(name, { reported }));
        },
      },
      supply: { contents: async () => contents, keepOnly: async () => undefined },
      sink: {
        held: async () => ({ current: null, previous: null }),
        apply: async (desired) => {
          await turn();
          puts.push(desired);
        },
      },
      memory,
      now: () => new Date(0),
      log: () => undefined,
      signal: new AbortController().signal,
      overtaken: () => false,
    });

  /** Long enough for others to be anywhere in what they do. */
  const pause = async (): Promise<void> => {
    for (let left = Math.floor(random() * 12); left >= 0; left--) await turn();
  };
  const commit = async (): Promise<void> => {
    for (let count = 0; count < heads; count++) {
      await pause();
      head = configured(head, random);
      wanted.set(head.revision, wantedOf(head));
      work.push(delivered(), delivered());
    }
  };
  const edit = async (): Promise<void> => {
    for (let count = 0; count < edits; count++) {
      await pause();
      const [name, change] = vandalism[Math.floor(random() * vandalism.length)] ?? ['', {}];
      shadows.update(name, { desired: change });
    }
  };
  const scan = async (): Promise<void> => {
    for (let count = 0; count < 8; count++) {
      await pause();
      await pass();
    }
  };
  const work: Promise<void>[] = [commit(), edit(), scan()];

  return {
    shadows,
    puts,
    wanted,
    backwards,
    head: () => head,
    published: () => published,
    /** Plays everything; afterwards nobody dies any more. */
    async play(): Promise<void> {
      await run();
      await Promise.all(work);
      mortal = false;
    },
    /** One more delivery, and as many looks as the Scanner needs. */
    async settle(): Promise<string> {
      const last = delivered();
      await run();
      await last;
      for (let count = 0; count < 5; count++) {
        const passing = pass();
        await run();
        if ((await passing) === 'settled') return 'settled';
      }
      return 'unsettled';
    },
  };
};

const desiredIn = ({ shadows }: ReturnType<typeof worldOf>) => ({
  smtp: shadows.get(smtpShadow)?.state.desired,
  advanced: shadows.get(advancedShadow)?.state.desired,
});

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('publishers at the same time, dying between any two steps', () => {
  it('leave both shadows at the last head once each record was handled, and never turn a shadow back', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = worldOf(seed, { death: 0.04, heads: 6, edits: 0 });

        await world.play();

        expect(desiredIn(world)).toEqual(wantedOf(world.head()));
        expect(world.published()).toBe(world.head().revision);
        expect(world.backwards).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('never make a Scanner apply anything but one whole head, and it ends at the last with no delta left', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = worldOf(seed, { death: 0.04, heads: 6, edits: 0 });

        await world.play();
        expect(await world.settle()).toBe('settled');

        for (const put of world.puts) expect(put).toEqual(world.wanted.get(put.smtp.revision));
        expect(world.puts.at(-1)).toEqual(wantedOf(world.head()));
        for (const name of [smtpShadow, advancedShadow])
          expect(world.shadows.get(name)?.state.delta).toBeUndefined();
      }),
      { numRuns: 25 },
    );
  });
});

describe('shadows that others write into', () => {
  it('never make a Scanner apply anything but one whole head, and are mended by the next publisher', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const world = worldOf(seed, { death: 0.03, heads: 3, edits: 4 });

        await world.play();
        expect(await world.settle()).toBe('settled');

        for (const put of world.puts) expect(put).toEqual(world.wanted.get(put.smtp.revision));
        expect(desiredIn(world)).toEqual(wantedOf(world.head()));
        expect(world.puts.at(-1)).toEqual(wantedOf(world.head()));
      }),
      { numRuns: 25 },
    );
  });
});

describe('a first publish', () => {
  it('makes both shadows, and is whole before any Scanner is there', async () => {
    const world = worldOf(1, { death: 0, heads: 1, edits: 0 });
    await world.play();
    expect(desiredIn(world)).toEqual(wantedOf(world.head()));
  });
});
