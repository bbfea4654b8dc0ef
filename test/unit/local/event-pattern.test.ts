import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../local/event-pattern.ts';

describe('an event pattern', () => {
  const cases: [string, object, object, boolean][] = [
    ['an exact value', { a: ['x'] }, { a: 'x' }, true],
    ['another value', { a: ['x'] }, { a: 'y' }, false],
    ['one of several', { a: ['x', 'y'] }, { a: 'y' }, true],
    ['a value among several', { a: ['x'] }, { a: ['y', 'x'] }, true],
    ['nested members', { a: { b: [1] } }, { a: { b: 1, c: 2 } }, true],
    ['a missing branch', { a: { b: [1] } }, {}, false],
    ['null', { a: [null] }, { a: null }, true],
    ['null is not absence', { a: [null] }, {}, false],
    ['a prefix', { a: [{ prefix: 'im' }] }, { a: 'imports/' }, true],
    ['another prefix', { a: [{ prefix: 'im' }] }, { a: 'lists/' }, false],
    ['a prefix of no text', { a: [{ prefix: '1' }] }, { a: 1 }, false],
    ['a suffix', { a: [{ suffix: '.txt' }] }, { a: 'a.txt' }, true],
    ['presence', { a: [{ exists: true }] }, { a: 0 }, true],
    ['no presence', { a: [{ exists: true }] }, {}, false],
    ['absence', { a: [{ exists: false }] }, {}, true],
    ['anything but', { a: [{ 'anything-but': ['x'] }] }, { a: 'y' }, true],
    ['anything but this', { a: [{ 'anything-but': 'x' }] }, { a: 'x' }, false],
    ['numbers in a range', { a: [{ numeric: ['>', 1, '<=', 3] }] }, { a: 3 }, true],
    ['numbers out of it', { a: [{ numeric: ['>', 1, '<=', 3] }] }, { a: 1 }, false],
    ['case folded', { a: [{ 'equals-ignore-case': 'AbC' }] }, { a: 'aBc' }, true],
    ['nothing asked', {}, { a: 1 }, true],
  ];

  it.each(cases)('%s', (_name, pattern, event, matches) => {
    expect(compilePattern(pattern as never)(event as never)).toBe(matches);
  });

  it('with an operator that is not known is refused, not passed over', () => {
    expect(() => compilePattern({ a: [{ cidr: '10.0.0.0/8' }] })).toThrow(/cidr/);
    expect(() => compilePattern({ a: 'x' })).toThrow(/list/);
  });
});
