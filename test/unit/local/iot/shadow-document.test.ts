import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../local/iot/json.ts';
import {
  applyPatch,
  deltaOf,
  emptyContent,
  type ShadowContent,
} from '../../../../local/iot/shadow-document.ts';
import { ShadowError, type StatePatch } from '../../../../local/iot/shadow-request.ts';

const at = 1_700_000_000;
const apply = (...patches: (StatePatch | null)[]): ShadowContent =>
  patches.reduce<ShadowContent>(
    (content, patch, index) => applyPatch(content, patch, at + index),
    emptyContent,
  );

const key = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'timestamp');
const leaf: fc.Arbitrary<Json> = fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.boolean());
const { value, patchValue } = fc.letrec<{ value: Json; patchValue: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
  patchValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    leaf,
    fc
      .array(fc.tuple(key, tie('patchValue')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  ),
}));
const objectOf = (member: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> =>
  fc.array(fc.tuple(key, member), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
const section = objectOf(value);
const patch = fc.record(
  { desired: objectOf(patchValue), reported: objectOf(patchValue) },
  { requiredKeys: [] },
);

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The shape of a value with each leaf replaced by 0, as its metadata should have it. */
const shape = (json: Json): Json => {
  if (Array.isArray(json)) return json.map(shape);
  if (!isObject(json)) return 0;
  return Object.fromEntries(Object.entries(json).map(([name, child]) => [name, shape(child)]));
};
const stampShape = (json: Json, state: Json): Json => {
  if (Array.isArray(state))
    return (json as Json[]).map((child, index) => stampShape(child, state[index] ?? null));
  if (isObject(state))
    return Object.fromEntries(
      Object.entries(json as JsonObject).map(([name, child]) => [
        name,
        stampShape(child, Object.getOwnPropertyDescriptor(state, name)?.value),
      ]),
    );
  expect(json).toEqual({ timestamp: expect.any(Number) });
  return 0;
};

describe('merging', () => {
  it('metadata always has the shape of the state', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(patch, fc.record({ desired: section })), { maxLength: 5 }), (patches) => {
        const content = apply(...patches);
        for (const name of ['desired', 'reported'] as const) {
          const state = content.state[name];
          expect(content.metadata[name] === undefined).toBe(state === undefined);
          if (state) expect(stampShape(content.metadata[name] ?? null, state)).toEqual(shape(state));
        }
      }),
    );
  });

  it('sending the same once more changes no state', () => {
    fc.assert(
      fc.property(patch, patch, (first, second) => {
        const once = apply(first, second);
        expect(apply(first, second, second).state).toEqual(once.state);
      }),
    );
  });

  it('reporting the delta leaves none, unless an object stands where something else is reported', () => {
    fc.assert(
      fc.property(section, objectOf(leaf), (desired, reported) => {
        const content = apply({ desired, reported });
        const delta = deltaOf(content)?.state;
        // A reported object cannot be emptied by merging, but here all reported values are leaves.
        const after = applyPatch(content, { reported: delta ?? {} }, at);
        expect(deltaOf(after)).toBeUndefined();
      }),
    );
  });

  it('a delta is made of nothing but desired values', () => {
    fc.assert(
      fc.property(section, section, (desired, reported) => {
        const delta = deltaOf(apply({ desired, reported }))?.state ?? {};
        const merged = apply({ desired }, { desired: delta });
        expect(merged.state).toEqual(apply({ desired }).state);
      }),
    );
  });

  it('the arguments are not changed', () => {
    const content = apply({ desired: { a: { b: 1 } } });
    const before = structuredClone(content);
    applyPatch(content, { desired: { a: { b: 2, c: null } } }, at);
    expect(content).toEqual(before);
  });

  it('no null is ever kept', () => {
    fc.assert(
      fc.property(fc.array(patch, { maxLength: 4 }), (patches) => {
        expect(JSON.stringify(apply(...patches).state)).not.toContain('null');
      }),
    );
  });

  it('stamps change for what is sent and stay for what is not', () => {
    const content = apply({ desired: { a: 1, b: { c: 1, d: 1 } } }, { desired: { b: { c: 1 } } });
    expect(content.metadata.desired).toEqual({
      a: { timestamp: at },
      b: { c: { timestamp: at + 1 }, d: { timestamp: at } },
    });
  });

  it('an object over a leaf forgets the stamp of the leaf', () => {
    const content = apply({ desired: { a: 1 } }, { desired: { a: { b: 1 } } });
    expect(content.metadata.desired).toEqual({ a: { b: { timestamp: at + 1 } } });
  });

  it('8,192 bytes are accepted and 8,193 refused', () => {
    const text = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    expect(apply({ desired: text(8000), reported: text(192) }).state.reported).toBeDefined();
    expect(() => apply({ desired: text(8000), reported: text(193) })).toThrow(ShadowError);
  });
});

describe('delta', () => {
  const cases: [string, JsonObject, JsonObject | undefined, JsonObject | undefined][] = [
    ['nothing reported', { a: 1 }, undefined, { a: 1 }],
    ['in sync', { a: 1 }, { a: 1 }, undefined],
    ['more reported than desired', { a: 1 }, { a: 1, b: 2 }, undefined],
    ['another value', { a: 1 }, { a: 2 }, { a: 1 }],
    ['text for a number', { a: 1 }, { a: '1' }, { a: 1 }],
    ['a nested difference', { a: { b: 1, c: 2 } }, { a: { b: 1 } }, { a: { c: 2 } }],
    ['arrays in another order', { a: [1, 2] }, { a: [2, 1] }, { a: [1, 2] }],
    ['equal arrays of objects', { a: [{ b: 1, c: 2 }] }, { a: [{ c: 2, b: 1 }] }, undefined],
    ['an object for a leaf', { a: { b: 1 } }, { a: 1 }, { a: { b: 1 } }],
    ['a leaf for an object', { a: 1 }, { a: { b: 1 } }, { a: 1 }],
    ['zero and minus zero', { a: 0 }, { a: -0 }, undefined],
  ];
  it.each(cases)('%s', (_, desired, reported, delta) => {
    expect(deltaOf(apply({ desired, ...(reported && { reported }) }))?.state).toEqual(delta);
  });
});
