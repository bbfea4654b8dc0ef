import { ApiProblem, type Client, createClient } from '../shared/client.ts';
import type { Fate, Switchboard, WireCall } from './fault-proxy.ts';

/** What a client of the load asks for. */
export type CallKind = 'save' | 'add' | 'remove' | 'page' | 'match' | 'settings' | 'scanners';

/** One call as its client saw it. */
export interface Seen {
  kind: CallKind;
  milliseconds: number;
  status: number;
  /** A code of docs/errors.md; absent for a success. */
  code?: string;
  /** Whether the answer says when to come again. */
  hasRetryAfter: boolean;
}

/** What the API has said is done. */
export interface Acknowledged {
  /** By Scanner: values that are in the list, and those that are not any more. Of those not said of, nothing is known. */
  present: Map<string, Set<string>>;
  absent: Map<string, Set<string>>;
  saves: { scannerId: string; revision: number; port: number }[];
}

export interface Load {
  baseUrl: string;
  token: string;
  scannerIds: readonly string[];
  /** How many clients call at once, and how many calls each makes. */
  clients: number;
  calls: number;
  seed: number;
  /** Of several loads on one stack, each has a number of its own: what it writes is new to the stack. From 0 to 3. */
  round: number;
}

/** A linear congruential generator (Numerical Recipes): the same numbers again from the same seed. */
export const chanceFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

const list = 'inbound';

/** What people and tools do in a day: more reads than writes, and of the writes more edits than saves. */
const mix: readonly [CallKind, number][] = [
  ['save', 0.12],
  ['add', 0.2],
  ['remove', 0.06],
  ['page', 0.22],
  ['match', 0.18],
  ['settings', 0.12],
  ['scanners', 0.1],
];

const kindFor = (chance: number): CallKind => {
  let left = chance;
  for (const [kind, share] of mix) {
    left -= share;
    if (left < 0) return kind;
  }
  return 'scanners';
};

const setOf = (sets: Map<string, Set<string>>, scannerId: string): Set<string> => {
  const values = sets.get(scannerId) ?? new Set();
  sets.set(scannerId, values);
  return values;
};

/** Values of one client: of no other, so that what is said of each is said in one order. */
const ownPrefix = ({ round }: Load, client: number): string => `10.${round * 64 + client}.`;
const ownValue = (load: Load, client: number, call: number): string =>
  `${ownPrefix(load, client)}${call >>> 8}.${call & 255}`;

interface Turn {
  client: Client;
  scannerId: string;
  acknowledged: Acknowledged;
  /** A value of this client that is new, and one that it had added before. */
  fresh: string;
  own: string | undefined;
  port: number;
}

const path = (scannerId: string) => ({ scannerId, list }) as const;

/** Until the answer comes, and for ever where it does not, nobody knows. */
const unknown = ({ acknowledged, scannerId }: Turn, value: string): void => {
  acknowledged.present.get(scannerId)?.delete(value);
  acknowledged.absent.get(scannerId)?.delete(value);
};

const acts: Record<CallKind, (turn: Turn) => Promise<unknown>> = {
  async save({ client, scannerId, acknowledged, port }) {
    const inbound = { ipv4: { address: '127.0.0.1', port }, ipv6: null, accept: 'all' } as const;
    const body = { mailFiltering: 'inbound', inbound } as const;
    const { revision } = await client.call('PUT /v1/scanners/{scannerId}/smtp', {
      params: { scannerId },
      body,
    });
    acknowledged.saves.push({ scannerId, revision, port });
  },
  async add(turn) {
    const { client, scannerId, acknowledged, fresh } = turn;
    unknown(turn, fresh);
    await client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
      params: path(scannerId),
      body: { entries: [{ value: fresh }] },
    });
    setOf(acknowledged.present, scannerId).add(fresh);
  },
  async remove(turn) {
    const { client, scannerId, acknowledged, own, fresh } = turn;
    const value = own ?? fresh;
    unknown(turn, value);
    await client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries/remove', {
      params: path(scannerId),
      body: { values: [value] },
    });
    setOf(acknowledged.absent, scannerId).add(value);
  },
  page: ({ client, scannerId }) =>
    client.call('GET /v1/scanners/{scannerId}/access-lists/{list}/entries', { params: path(scannerId) }),
  match: ({ client, scannerId, fresh }) =>
    client.call('GET /v1/scanners/{scannerId}/access-lists/{list}/match', {
      params: path(scannerId),
      query: { client: fresh },
    }),
  settings: ({ client, scannerId }) =>
    client.call('GET /v1/scanners/{scannerId}/smtp', { params: { scannerId } }),
  scanners: ({ client }) => client.call('GET /v1/scanners', { query: { limit: 20 } }),
};

/** Calls with all clients at once until each has made its calls, and says what each call saw and what was acknowledged. */
export const runLoad = async (load: Load): Promise<{ seen: Seen[]; acknowledged: Acknowledged }> => {
  const seen: Seen[] = [];
  const acknowledged: Acknowledged = { present: new Map(), absent: new Map(), saves: [] };
  const runClient = async (number: number): Promise<void> => {
    const chance = chanceFrom(load.seed + (load.round * 64 + number) * 7919);
    let last: Response | undefined;
    const answered = (): Response | undefined => last;
    const client = createClient({
      ...load,
      fetch: async (...args) => {
        last = await fetch(...args);
        return last;
      },
    });
    for (let call = 0; call < load.calls; call++) {
      const kind = kindFor(chance());
      const scannerId = load.scannerIds[Math.floor(chance() * load.scannerIds.length)] ?? '';
      const mine = [...setOf(acknowledged.present, scannerId)].filter((value) =>
        value.startsWith(ownPrefix(load, number)),
      );
      const turn = {
        client,
        scannerId,
        acknowledged,
        fresh: ownValue(load, number, call),
        own: mine[Math.floor(chance() * mine.length)],
        port: 1024 + load.round * 16_000 + ((number * load.calls + call) % 16_000),
      };
      last = undefined;
      const begun = performance.now();
      const code = await acts[kind](turn).then(
        () => undefined,
        (error: unknown) => (error instanceof ApiProblem ? error.code : String((error as Error).message)),
      );
      seen.push({
        kind,
        milliseconds: performance.now() - begun,
        status: answered()?.status ?? 0,
        hasRetryAfter: answered()?.headers.has('retry-after') === true,
        ...(code === undefined ? {} : { code }),
      });
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, number) => runClient(number)));
  return { seen, acknowledged };
};

const valuesOf = async (client: Client, scannerId: string): Promise<Set<string>> => {
  const values = new Set<string>();
  let cursor: string | undefined = '';
  do {
    const answer: { items: { value: string }[]; nextCursor?: string | undefined } = await client.call(
      'GET /v1/scanners/{scannerId}/access-lists/{list}/entries',
      { params: path(scannerId), query: { cursor, pageSize: 1000 } },
    );
    for (const { value } of answer.items) values.add(value);
    cursor = answer.nextCursor;
  } while (cursor !== undefined);
  return values;
};

/** Revision numbers that the audit has, as often as it has them, in their order. */
const auditedOf = async (client: Client, scannerId: string): Promise<number[]> => {
  const numbers: number[] = [];
  let cursor: string | undefined;
  do {
    const answer: { items: { revision?: number | null | undefined }[]; nextCursor?: string | undefined } =
      await client.call('GET /v1/scanners/{scannerId}/audit', {
        params: { scannerId },
        query: { limit: 1000, ...(cursor === undefined ? {} : { cursor }) },
      });
    for (const { revision } of answer.items) if (typeof revision === 'number') numbers.push(revision);
    cursor = answer.nextCursor;
  } while (cursor !== undefined);
  return numbers.sort((one, other) => one - other);
};

/**
 * Reads everything back and says what contradicts what was acknowledged: values of lists, ports of saves, revisions that are not one after the other
 * in the audit. Empty where nothing was lost.
 */
export const lostOf = async (load: Load, { present, absent, saves }: Acknowledged): Promise<string[]> => {
  const client = createClient(load);
  const lost: string[] = [];
  for (const scannerId of load.scannerIds) {
    const values = await valuesOf(client, scannerId);
    for (const value of present.get(scannerId) ?? [])
      if (!values.has(value)) lost.push(`${scannerId}: ${value} was added, and is not there`);
    for (const value of absent.get(scannerId) ?? [])
      if (values.has(value)) lost.push(`${scannerId}: ${value} was removed, and is there`);
    const numbers = await auditedOf(client, scannerId);
    const gap = numbers.findIndex((revision, index) => revision !== index + 1);
    if (gap >= 0)
      lost.push(`${scannerId}: the audit has ${numbers[gap]} in the place of revision ${gap + 1}`);
  }
  for (const { scannerId, revision, port } of saves) {
    const { smtp } = await client.call('GET /v1/scanners/{scannerId}/revisions/{revision}', {
      params: { scannerId, revision },
    });
    if (smtp?.inbound?.ipv4?.port !== port)
      lost.push(`${scannerId}: revision ${revision} was acknowledged with port ${port}`);
  }
  return lost;
};

/** Answers of the server's fault that do not say when to come again. */
export const hintless = (seen: readonly Seen[]): Seen[] =>
  seen.filter(
    ({ status, hasRetryAfter }) => (status >= 500 || status === 429 || status === 0) && !hasRetryAfter,
  );

const fates: readonly Fate[] = ['throttle', 'throttle', 'error', 'break off', 'lose the answer'];

/** Lets a share of all calls fail, each in one of the ways in which a service fails; while `share` is 0 all pass. */
export const disturbed = (seed: number): Switchboard & { share: number; failed: number } => {
  const chance = chanceFrom(seed);
  return {
    share: 0,
    failed: 0,
    fate(_: WireCall) {
      if (chance() >= this.share) return 'pass';
      this.failed += 1;
      return fates[Math.floor(chance() * fates.length)] ?? 'throttle';
    },
  };
};
