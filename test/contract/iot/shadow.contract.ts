import type mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../helpers/until.ts';

type Document = Record<string, unknown>;

/** What a shadow request came to. `code` is the numeric code of a refusal. */
export type ShadowReply = { ok: true; payload: Document } | { ok: false; code: number };

/** One way to reach the shadows of a thing that no other test uses. */
export interface ShadowAccess {
  thing: string;
  /** Body as text or bytes; `shadow` absent for the classic shadow. */
  request(
    operation: 'get' | 'update' | 'delete',
    shadow: string | undefined,
    body?: string | Uint8Array,
  ): Promise<ShadowReply>;
  /** Names of the thing's named shadows. */
  list(): Promise<string[]>;
  /** A client that may subscribe to the topics of the thing's shadows. */
  listener: mqtt.MqttClient;
  close(): Promise<void>;
}

export interface ShadowContractOptions {
  /** How requests travel: over MQTT a refusal is published, over HTTP it is not. */
  via: 'http' | 'mqtt';
  /** Whether requests are given to the limiter of a real account. */
  make: () => Promise<ShadowAccess>;
  /** Cases that this implementation does not pass, each with the reason. */
  skip?: { test: string; reason: string }[];
}

const pad = (bytes: number) => 'x'.repeat(bytes);

/** Bytes of `{"a":""}`: a section with one text member. */
const frame = 8;

/**
 * What the Device Shadow service promises, as a suite for any implementation and either way of access
 * (AWS IoT developer guide, "AWS IoT Device Shadow service"; the cases that the guide leaves open are only pinned
 * down as far as captures of the real service do).
 */
export const shadowContract = ({ via, make, skip = [] }: ShadowContractOptions): void => {
  const check = (name: string, run: () => Promise<void>) => {
    const skipped = skip.find(({ test }) => test === name);
    if (skipped) it(name, (context) => context.skip(skipped.reason));
    else it(name, run);
  };

  describe(`shadows over ${via}`, () => {
    let access: ShadowAccess;
    let count = 0;
    /** A shadow name that no other case uses. */
    const fresh = () => {
      count += 1;
      return `s${count}`;
    };
    const prefix = (shadow: string) => `$aws/things/${access.thing}/shadow/name/${shadow}`;

    beforeAll(async () => {
      access = await make();
    });
    afterAll(async () => {
      await access.close();
    });

    const update = (shadow: string | undefined, body: unknown) =>
      access.request('update', shadow, typeof body === 'string' ? body : JSON.stringify(body));

    const accepted = async (shadow: string | undefined, body: unknown): Promise<Document> => {
      const reply = await update(shadow, body);
      if (!reply.ok) throw new Error(`refused with ${reply.code}: ${JSON.stringify(body)}`);
      return reply.payload;
    };

    const desired = (shadow: string, value: unknown) => accepted(shadow, { state: { desired: value } });

    const get = async (shadow: string | undefined): Promise<Document> => {
      const reply = await access.request('get', shadow);
      if (!reply.ok) throw new Error(`get refused with ${reply.code}`);
      return reply.payload;
    };

    const stateOf = async (shadow: string) => (await get(shadow))['state'];

    const refused = async (shadow: string | undefined, body: unknown, code: number) => {
      expect(await update(shadow, body)).toEqual({ ok: false, code });
    };

    /** Messages on topics under `prefix(shadow)/update` (and whatever else is asked for), by the last level. */
    const watch = async (
      shadow: string,
      topics = ['update/accepted', 'update/documents', 'update/delta'],
    ) => {
      const seen: { topic: string; payload: Document }[] = [];
      const listen = (topic: string, bytes: Buffer) => {
        if (topic.startsWith(`${prefix(shadow)}/`))
          seen.push({
            topic: topic.slice(prefix(shadow).length + 1),
            payload: JSON.parse(bytes.toString()) as Document,
          });
      };
      access.listener.on('message', listen);
      await access.listener.subscribeAsync(
        topics.map((topic) => `${prefix(shadow)}/${topic}`),
        { qos: 1 },
      );
      const on = (topic: string) => seen.filter((message) => message.topic === topic).map((m) => m.payload);
      return { on, nth: (topic: string, n: number) => until(`${topic} ${n}`, () => on(topic)[n - 1]) };
    };

    describe('versions', () => {
      check('the first update makes version 1', async () => {
        expect((await desired(fresh(), { a: 1 }))['version']).toBe(1);
      });

      check('an update that changes nothing makes a version', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        expect((await desired(shadow, { a: 1 }))['version']).toBe(2);
      });

      check('an empty state is a first version of an empty shadow', async () => {
        const shadow = fresh();
        expect((await accepted(shadow, { state: {} }))['version']).toBe(1);
        expect(await get(shadow)).toMatchObject({ state: {}, metadata: {}, version: 1 });
      });

      check('an update for the present version is accepted', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        expect((await accepted(shadow, { state: { desired: { a: 2 } }, version: 1 }))['version']).toBe(2);
      });

      check('an update for an older version is 409 and changes nothing', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await desired(shadow, { a: 2 });
        await refused(shadow, { state: { desired: { a: 3 } }, version: 1 }, 409);
        expect(await get(shadow)).toMatchObject({ state: { desired: { a: 2 } }, version: 2 });
      });

      check('an update for a version yet to come is 409', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await refused(shadow, { state: { desired: { a: 3 } }, version: 2 }, 409);
      });

      check('of two updates for one version, one wins', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 0 });
        const replies = await Promise.all([
          update(shadow, { state: { desired: { a: 1 } }, version: 1 }),
          update(shadow, { state: { desired: { a: 2 } }, version: 1 }),
        ]);
        expect(replies.map((reply) => (reply.ok ? 200 : reply.code)).sort()).toEqual([200, 409]);
        expect((await get(shadow))['version']).toBe(2);
      });
    });

    describe('merging', () => {
      check('objects merge, absent members stay', async () => {
        const shadow = fresh();
        await desired(shadow, { a: { b: 1, c: 2 }, d: 3 });
        await desired(shadow, { a: { b: 5 } });
        expect(await stateOf(shadow)).toMatchObject({ desired: { a: { b: 5, c: 2 }, d: 3 } });
      });

      check('null removes a member', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1, b: { c: 1, d: 2 } });
        await desired(shadow, { a: null, b: { c: null } });
        expect((await get(shadow))['state']).toMatchObject({ desired: { b: { d: 2 } } });
        expect(JSON.stringify(await get(shadow))).not.toContain('"c"');
      });

      check('null for a member that is not there changes nothing', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await desired(shadow, { b: null });
        expect(await stateOf(shadow)).toEqual({ desired: { a: 1 }, delta: { a: 1 } });
      });

      check('arrays are replaced whole', async () => {
        const shadow = fresh();
        await desired(shadow, { a: [1, 2, { b: 3 }] });
        await desired(shadow, { a: [4] });
        expect(await stateOf(shadow)).toMatchObject({ desired: { a: [4] } });
      });

      check('a member changes its type', async () => {
        const shadow = fresh();
        await desired(shadow, { a: { b: 1 }, c: 1 });
        await desired(shadow, { a: 1, c: { d: 1 } });
        expect(await stateOf(shadow)).toMatchObject({ desired: { a: 1, c: { d: 1 } } });
      });

      check('a section that ends up empty disappears', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { desired: { a: 1 }, reported: { b: 1 } } });
        await desired(shadow, { a: null });
        expect(await stateOf(shadow)).toEqual({ reported: { b: 1 } });
      });

      check('an empty section makes no section', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { desired: {}, reported: { a: 1 } } });
        expect(await stateOf(shadow)).toEqual({ reported: { a: 1 } });
      });

      check('empty objects inside a section stay', async () => {
        const shadow = fresh();
        await desired(shadow, { b: { c: {} }, d: {} });
        expect(await stateOf(shadow)).toEqual({
          desired: { b: { c: {} }, d: {} },
          delta: { b: { c: {} }, d: {} },
        });
      });

      check('a section of null is dropped', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { desired: { a: 1 }, reported: { b: 1 } } });
        await accepted(shadow, { state: { desired: null } });
        expect(await stateOf(shadow)).toEqual({ reported: { b: 1 } });
      });

      check('a state of null drops both sections and keeps the shadow', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { desired: { a: 1 }, reported: { b: 1 } } });
        const answer = await accepted(shadow, { state: null });
        expect(answer).toMatchObject({
          state: null,
          metadata: { timestamp: expect.any(Number) },
          version: 2,
        });
        expect(await get(shadow)).toMatchObject({ state: {}, metadata: {}, version: 2 });
      });

      check('members named like inherited ones are members', async () => {
        const shadow = fresh();
        await update(shadow, '{"state":{"desired":{"__proto__":{"a":1},"constructor":2}}}');
        const text = JSON.stringify(await stateOf(shadow));
        expect(text).toContain('"__proto__":{"a":1}');
        expect(text).toContain('"constructor":2');
      });
    });

    describe('answers', () => {
      check('an update is answered with only what was sent', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1, b: 2 });
        const answer = await desired(shadow, { b: 3 });
        expect(answer['state']).toEqual({ desired: { b: 3 } });
        expect(answer['metadata']).toEqual({ desired: { b: { timestamp: expect.any(Number) } } });
        expect(answer['timestamp']).toBeGreaterThan(1_700_000_000);
        expect(answer['timestamp']).toBeLessThan(10_000_000_000);
      });

      check('metadata has a stamp for each leaf and each element of an array', async () => {
        const shadow = fresh();
        await desired(shadow, { a: { b: 1 }, c: [1, { d: 2 }] });
        const stamp = { timestamp: expect.any(Number) };
        expect((await get(shadow))['metadata']).toEqual({
          desired: { a: { b: stamp }, c: [stamp, { d: stamp }] },
        });
      });

      check('a get has the delta in state only, and none when in sync', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { desired: { a: 1, b: 2 }, reported: { a: 1 } } });
        const open = await get(shadow);
        expect(open['state']).toEqual({ desired: { a: 1, b: 2 }, reported: { a: 1 }, delta: { b: 2 } });
        expect(Object.keys(open['metadata'] as Document).sort()).toEqual(['desired', 'reported']);
        await accepted(shadow, { state: { reported: { b: 2 } } });
        expect(await stateOf(shadow)).toEqual({ desired: { a: 1, b: 2 }, reported: { a: 1, b: 2 } });
      });

      check('numbers are compared by value', async () => {
        const shadow = fresh();
        await update(shadow, '{"state":{"desired":{"a":1},"reported":{"a":1.0}}}');
        expect(await stateOf(shadow)).not.toHaveProperty('delta');
      });

      check('the client token comes back', async () => {
        const answer = await accepted(fresh(), { state: { desired: { a: 1 } }, clientToken: 'token-1' });
        expect(answer['clientToken']).toBe('token-1');
      });

      check('unknown members beside the state are ignored', async () => {
        const answer = await accepted(fresh(), { state: { desired: { a: 1 } }, more: [null] });
        expect(answer['version']).toBe(1);
      });

      check('the classic shadow is a shadow of its own', async () => {
        await accepted(undefined, { state: { desired: { classic: 1 } } });
        expect((await get(undefined))['state']).toMatchObject({ desired: { classic: 1 } });
        expect((await access.request('delete', undefined)).ok).toBe(true);
      });
    });

    describe('messages', () => {
      check('an accepted update is told with the document before and after', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await accepted(shadow, { state: { desired: { a: 1 } }, clientToken: 'first' });
        await accepted(shadow, { state: { desired: { a: 2 } }, clientToken: 'second' });
        const [first, second] = [
          await seen.nth('update/documents', 1),
          await seen.nth('update/documents', 2),
        ];
        expect(first).toMatchObject({
          previous: null,
          current: { state: { desired: { a: 1 } }, version: 1 },
        });
        expect(second).toMatchObject({
          previous: { state: { desired: { a: 1 } }, version: 1 },
          current: { state: { desired: { a: 2 } }, version: 2 },
        });
        expect(await seen.nth('update/accepted', 2)).toMatchObject({ version: 2, clientToken: 'second' });
      });

      check('documents hold no delta', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await accepted(shadow, { state: { desired: { a: 1 }, reported: { a: 2 } } });
        const { current } = (await seen.nth('update/documents', 1)) as { current: { state: Document } };
        expect(Object.keys(current.state).sort()).toEqual(['desired', 'reported']);
      });

      check('a delta is told on every update that leaves a difference, with all of it', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await desired(shadow, { a: 1, b: { c: 2, d: 3 } });
        await accepted(shadow, { state: { reported: { b: { c: 2 } } }, clientToken: 'mine' });
        expect(await seen.nth('update/delta', 1)).toMatchObject({
          state: { a: 1, b: { c: 2, d: 3 } },
          version: 1,
        });
        const second = await seen.nth('update/delta', 2);
        const stamp = { timestamp: expect.any(Number) };
        expect(second).toEqual({
          version: 2,
          timestamp: expect.any(Number),
          state: { a: 1, b: { d: 3 } },
          metadata: { a: stamp, b: { d: stamp } },
          clientToken: 'mine',
        });
      });

      check('accepted and delta of one update have the same version', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await desired(shadow, { a: 1 });
        expect((await seen.nth('update/delta', 1))['version']).toBe(
          (await seen.nth('update/accepted', 1))['version'],
        );
      });

      check('no delta is told when desired and reported agree', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await accepted(shadow, { state: { desired: { a: [1] }, reported: { a: [1], b: 1 } } });
        await desired(shadow, { c: 1 });
        await seen.nth('update/delta', 1);
        await seen.nth('update/documents', 2);
        expect(seen.on('update/delta').map((delta) => delta['version'])).toEqual([2]);
      });

      check('a delta has a changed array whole', async () => {
        const shadow = fresh();
        const seen = await watch(shadow);
        await accepted(shadow, { state: { desired: { a: [1, 2, 3] }, reported: { a: [1, 2] } } });
        expect(await seen.nth('update/delta', 1)).toMatchObject({ state: { a: [1, 2, 3] } });
      });

      check('a refusal is published over MQTT and only there', async () => {
        const shadow = fresh();
        const seen = await watch(shadow, ['update/rejected', 'update/accepted']);
        await refused(shadow, { clientToken: 'bad' }, 400);
        await accepted(shadow, { state: {}, clientToken: 'good' });
        await seen.nth('update/accepted', 1);
        if (via === 'http') expect(seen.on('update/rejected')).toEqual([]);
        else expect(await seen.nth('update/rejected', 1)).toMatchObject({ code: 400, clientToken: 'bad' });
      });
    });

    describe('refusals', () => {
      const bad: [string, unknown, number][] = [
        ['no JSON', '{"state":', 400],
        ['an empty body', '', 400],
        ['no state', { desired: {} }, 400],
        ['a state that is text', { state: 'on' }, 400],
        ['a state that is an array', { state: [] }, 400],
        ['a desired that is text', { state: { desired: 'on' } }, 400],
        ['a desired that is an array', { state: { desired: [] } }, 400],
        ['a reported that is a number', { state: { reported: 1 } }, 400],
        ['another member in the state', { state: { desired: {}, wanted: {} } }, 400],
        ['a null in an array', { state: { desired: { a: [1, null] } } }, 400],
        ['a null deep in an array', { state: { desired: { a: [[1, [null]]] } } }, 400],
        ['a version that is text', { state: { desired: { a: 1 } }, version: '0' }, 400],
        ['a version that is a fraction', { state: { desired: { a: 1 } }, version: 0.5 }, 400],
        ['a version below 0', { state: { desired: { a: 1 } }, version: -1 }, 400],
        ['a version for a shadow that is not there', { state: { desired: { a: 1 } }, version: 7 }, 409],
        ['a client token of 65 bytes', { state: { desired: { a: 1 } }, clientToken: pad(65) }, 400],
        ['a client token of 33 two-byte characters', { state: {}, clientToken: 'é'.repeat(33) }, 400],
        ['a client token that is a number', { state: {}, clientToken: 7 }, 400],
        ['nine levels', '{"state":{"desired":{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}}}', 400],
        ['nine levels of arrays', { state: { desired: { a: [[[[[[[[1]]]]]]]] } } }, 400],
      ];
      for (const [what, body, code] of bad)
        check(`${what} is ${code} and makes no shadow`, async () => {
          const shadow = fresh();
          await refused(shadow, body, code);
          expect(await access.request('get', shadow)).toEqual({ ok: false, code: 404 });
        });

      check('bytes that are not UTF-8 are 415', async () => {
        const body = Buffer.concat([
          Buffer.from('{"state":{"desired":{"a":"'),
          Buffer.from([0xff]),
          Buffer.from('"}}}'),
        ]);
        expect(await access.request('update', fresh(), body)).toEqual({ ok: false, code: 415 });
      });

      check('five levels and a client token of 64 bytes are accepted', async () => {
        const answer = await accepted(fresh(), {
          state: { desired: { a: { b: { c: { d: { e: 1 } } } } } },
          clientToken: pad(64),
        });
        expect(answer['version']).toBe(1);
      });

      check('a get and a delete of a shadow that is not there are 404', async () => {
        const shadow = fresh();
        expect(await access.request('get', shadow)).toEqual({ ok: false, code: 404 });
        expect(await access.request('delete', shadow)).toEqual({ ok: false, code: 404 });
      });
    });

    describe('size', () => {
      check('desired and reported together hold 8 KB and not a byte more', async () => {
        const shadow = fresh();
        await accepted(shadow, { state: { reported: { a: pad(4096 - frame) } } });
        await desired(shadow, { a: pad(4096 - frame) });
        await refused(shadow, { state: { desired: { a: pad(4097 - frame) } } }, 413);
        expect((await get(shadow))['version']).toBe(2);
      });

      check('the size counts after the merge', async () => {
        const shadow = fresh();
        await desired(shadow, { a: pad(5000) });
        await refused(shadow, { state: { desired: { b: pad(5000) } } }, 413);
        await desired(shadow, { a: null, b: pad(5000) });
        expect(await stateOf(shadow)).toMatchObject({ desired: { b: pad(5000) } });
      });

      check('the size counts bytes, not characters', async () => {
        await refused(fresh(), { state: { desired: { a: 'é'.repeat(4200) } } }, 413);
      });
    });

    describe('deleting', () => {
      check('a delete answers the version deleted, a second one is 404', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await desired(shadow, { a: 2 });
        const reply = await access.request('delete', shadow);
        expect(reply).toMatchObject({ ok: true, payload: { version: 2, timestamp: expect.any(Number) } });
        expect(await access.request('delete', shadow)).toEqual({ ok: false, code: 404 });
        expect(await access.request('get', shadow)).toEqual({ ok: false, code: 404 });
      });

      check('a shadow that comes back goes on counting, without its old content', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await desired(shadow, { a: 2 });
        await access.request('delete', shadow);
        const answer = await desired(shadow, { b: 1 });
        expect(answer['version']).toBeGreaterThan(2);
        expect(await stateOf(shadow)).toEqual({ desired: { b: 1 }, delta: { b: 1 } });
      });

      check('an update for the version deleted is 409', async () => {
        const shadow = fresh();
        await desired(shadow, { a: 1 });
        await access.request('delete', shadow);
        await refused(shadow, { state: { desired: { a: 2 } }, version: 1 }, 409);
      });

      check('the list has named shadows and not deleted ones', async () => {
        const [kept, gone] = [fresh(), fresh()];
        await desired(kept, { a: 1 });
        await desired(gone, { a: 1 });
        await access.request('delete', gone);
        const names = await until('the list', async () => {
          const listed = await access.list();
          return listed.includes(kept) && !listed.includes(gone) && listed;
        });
        expect(names).not.toContain('');
      });
    });
  });
};
