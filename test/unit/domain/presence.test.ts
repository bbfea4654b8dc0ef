import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concerns, nextPresence, type PresenceEvent } from '../../../shared/domain/presence.ts';
import type { Presence } from '../../../shared/domain/status.ts';

const minute = 60_000;
const hour = 60 * minute;
const began = Date.parse('2026-11-24T10:00:00.000Z');

const event = (
  eventType: PresenceEvent['eventType'],
  session: string,
  versionNumber: number,
  after: number,
): PresenceEvent => ({
  clientId: 'mx1',
  eventType,
  sessionIdentifier: session,
  versionNumber,
  timestamp: began + after,
  principalIdentifier: 'c1',
});
const up = (session: string, version: number, after = 0) => event('connected', session, version, after);
const down = (session: string, version: number, after = 0) => event('disconnected', session, version, after);

/** What is stored after events that come in this order, the first of them at `handled`. */
const storedAfter = (events: readonly PresenceEvent[], handled = began): Presence | undefined =>
  events.reduce<Presence | undefined>(
    (stored, one, index) => nextPresence(stored, one, new Date(handled + index)) ?? stored,
    undefined,
  );

const said = (presence: Presence | undefined) =>
  presence && `${presence.sessionIdentifier} ${presence.connected ? 'connected' : 'gone'}`;

describe('presence', () => {
  it.each<[string, PresenceEvent[], string]>([
    ['a connection', [up('a', 0)], 'a connected'],
    ['its end', [up('a', 0), down('a', 0)], 'a gone'],
    ['an end that is told twice', [up('a', 0), down('a', 0), down('a', 0)], 'a gone'],
    ['a connection that is told again after its end', [up('a', 0), down('a', 0), up('a', 0)], 'a gone'],
    ['an end that comes before its connection', [down('a', 0), up('a', 0)], 'a gone'],
    [
      'a newer connection before the end of the older one',
      [up('a', 0), up('b', 1), down('a', 0)],
      'b connected',
    ],
    [
      'a newer connection before anything of the older one',
      [up('b', 1), up('a', 0), down('a', 0)],
      'b connected',
    ],
    [
      'a duplicate client that ends the older session late',
      [up('a', 3), up('b', 4), down('a', 3), down('a', 3)],
      'b connected',
    ],
    ['an end of a newer session whose connection was not told', [up('a', 0), down('b', 1)], 'b gone'],
    ['that connection, told afterwards', [up('a', 0), down('b', 1), up('b', 1)], 'b gone'],
    ['numbers that are skipped', [up('a', 0), down('a', 0), up('b', 7)], 'b connected'],
    [
      'a number that began again after an hour',
      [up('a', 57), down('a', 57), up('b', 0, hour)],
      'b connected',
    ],
    ['the same, whose end was lost', [up('a', 57), up('b', 0, 2 * hour)], 'b connected'],
    [
      'the same, whose end comes late',
      [up('a', 57), up('b', 0, 2 * hour), down('a', 57, hour)],
      'b connected',
    ],
    [
      'the same, all of the older session late',
      [up('b', 0, 2 * hour), up('a', 57), down('a', 57, hour)],
      'b connected',
    ],
    ['the same, the newer one ended', [up('a', 57), down('b', 0, 2 * hour), up('b', 0, 2 * hour)], 'b gone'],
    [
      'a number equal to that before it began again',
      [up('a', 0), down('a', 0), up('b', 0, hour)],
      'b connected',
    ],
    [
      'times that are four minutes wrong',
      [up('a', 3, 4 * minute), up('b', 4, 0), down('a', 3, 4 * minute)],
      'b connected',
    ],
  ])('of %s', (_, events, expected) => {
    expect(said(storedAfter(events))).toBe(expected);
  });

  it('does not depend on when an event is handled', () => {
    const late = storedAfter([up('a', 57), down('a', 57)], began + 3 * hour);
    const next = nextPresence(late, up('b', 0, 2 * hour), new Date(began + 3 * hour + 1));
    expect(next).toMatchObject({ sessionIdentifier: 'b', connected: true });
  });

  it('takes the time of handling for what was stored, or is told, without a time of its own', () => {
    const stored = {
      sessionIdentifier: 'a',
      versionNumber: 57,
      connected: true,
      at: new Date(began).toISOString(),
    };
    const bare = {
      clientId: 'mx1',
      eventType: 'connected',
      sessionIdentifier: 'b',
      versionNumber: 0,
    } as const;
    expect(nextPresence(stored, bare, new Date(began + minute))).toBeNull();
    expect(nextPresence(stored, bare, new Date(began + hour))).toMatchObject({ sessionIdentifier: 'b' });
  });

  it('that lost an event is wrong until the next one comes', () => {
    const lost = storedAfter([up('a', 0)]); // its end was lost
    expect(said(lost)).toBe('a connected');
    expect(said(nextPresence(lost, up('b', 1, minute), new Date(began)) ?? lost)).toBe('b connected');
  });
});

describe('an event', () => {
  it.each([
    ['of the certificate that is recorded', 'c1', undefined, true],
    ['of another certificate', 'c2', undefined, false],
    ['where none is recorded', undefined, undefined, false],
    ['of another certificate, of the session that is known', 'c2', 'a', true],
  ])('%s', (_, certificateId, session, expected) => {
    const stored = session && { sessionIdentifier: session, versionNumber: 0, connected: true, at: '' };
    expect(concerns(certificateId, stored || undefined, up('a', 0))).toBe(expected);
  });

  it('that names no certificate is of the Scanner that it names', () => {
    const { principalIdentifier: _, ...bare } = up('a', 0);
    expect(concerns('c1', undefined, bare)).toBe(true);
  });
});

/** One connection of a history: how long after the last one, how long it lasts, how many numbers are skipped; a takeover does not wait. */
interface Connection {
  gap: number;
  length: number;
  skipped: number;
  takeover: boolean;
}

const connection: fc.Arbitrary<Connection> = fc.record({
  gap: fc.oneof(fc.integer({ min: 1, max: 50 * minute }), fc.integer({ min: 61 * minute, max: 90 * hour })),
  length: fc.integer({ min: 1, max: 10 * hour }),
  skipped: fc.integer({ min: 0, max: 3 }),
  takeover: fc.boolean(),
});

/** Timestamps are good to two minutes. */
const inaccuracy = fc.integer({ min: -2 * minute, max: 2 * minute });

/** The events of a valid history: numbers grow, and begin again after an hour without a connection. */
const eventsOf = (
  history: readonly Connection[],
  open: boolean,
  errors: readonly number[],
): PresenceEvent[] => {
  const events: PresenceEvent[] = [];
  let [now, number] = [0, -1];
  for (const [index, { gap, length, skipped, takeover }] of history.entries()) {
    const taken = takeover && index > 0; // the end of the one before comes after this connection
    const idle = taken ? 0 : gap;
    number = idle >= hour || index === 0 ? 0 : number + 1 + skipped;
    now += idle;
    const wrong = (place: number) => errors[(2 * index + place) % errors.length] ?? 0;
    events.push(up(`s${index}`, number, now + wrong(0)));
    now += length;
    if (index < history.length - 1 || !open) events.push(down(`s${index}`, number, now + wrong(1)));
  }
  return events;
};

describe('whatever the order in which events come, and however often', () => {
  it('the end of a history is what is stored', () => {
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(
        fc.array(connection, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.array(inaccuracy, { minLength: 12, maxLength: 12 }),
        order,
        fc.nat({ max: 100 * hour }),
        (history, open, errors, picks, handled) => {
          const told = eventsOf(history, open, errors);
          const doubled = [...told, ...told.filter((_, index) => index % 2 === 0)];
          const delivered: PresenceEvent[] = [];
          while (doubled.length > 0)
            delivered.push(...doubled.splice((picks.next().value ?? 0) % doubled.length, 1));

          expect(said(storedAfter(delivered, began + handled))).toBe(
            `s${history.length - 1} ${open ? 'connected' : 'gone'}`,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});
