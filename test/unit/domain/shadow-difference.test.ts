import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch } from '../../../shared/domain/merge-patch.ts';
import { shadowDifference } from '../../../shared/domain/shadow-difference.ts';

const leaf = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 3 }),
  fc.boolean(),
  fc.array(fc.integer(), { maxLength: 2 }),
);
const key = fc.constantFrom('a', 'b', 'c');
const inner = fc.dictionary(key, leaf, { minKeys: 1 });
const document = fc.dictionary(key, fc.oneof(leaf, inner, fc.dictionary(key, inner, { minKeys: 1 })));

describe('the difference of two sections', () => {
  it('merged into the first gives the second, and is nothing where they are the same', () => {
    fc.assert(
      fc.property(document, document, (present, wanted) => {
        const difference = shadowDifference(present, wanted);
        expect(mergePatch(present, difference ?? {})).toEqual(wanted);
        expect(shadowDifference(wanted, structuredClone(wanted))).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('says null for what has gone and leaves out what has not changed', () => {
    expect(shadowDifference({ a: 1, b: { c: 1, d: 2 }, e: 5 }, { a: 1, b: { c: 1, d: 3 } })).toEqual({
      b: { d: 3 },
      e: null,
    });
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
  ])('takes a member called %s for one as any other', (name) => {
    const odd = JSON.parse(`{ "a": 1, "${name}": { "b": 2 } }`) as Record<string, unknown>;
    expect(JSON.stringify(shadowDifference(odd, { a: 1 }))).toBe(`{"${name}":null}`);
    expect(JSON.stringify(shadowDifference({ a: 1 }, odd))).toBe(`{"${name}":{"b":2}}`);
    expect(shadowDifference(odd, structuredClone(odd))).toBeUndefined();
  });

  it('sends arrays whole', () => {
    expect(shadowDifference({ a: [1, 2] }, { a: [1, 3] })).toEqual({ a: [1, 3] });
  });
});

describe('a merge patch', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];

  it.each(cases)('%j with %j is %j (RFC 7396, appendix A)', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});
