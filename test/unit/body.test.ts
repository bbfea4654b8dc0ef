import { describe, expect, it } from 'vitest';
import { deepest, parseJson } from '../../functions/lib/body.ts';

const nested = (depth: number, open: string, inner: string, close: string) =>
  open.repeat(depth) + inner + close.repeat(depth);

describe('the JSON of a body', () => {
  it.each([
    ['arrays', nested(deepest, '[', '1', ']')],
    ['objects', nested(deepest, '{"a":', '1', '}')],
    ['brackets in a string', JSON.stringify('['.repeat(1000))],
    ['a long list', `[${'[],'.repeat(1000)}[]]`],
  ])('may have %s', (_, text) => {
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it.each([
    ['arrays', nested(deepest + 1, '[', '', ']')],
    ['objects', nested(deepest + 1, '{"a":', '1', '}')],
    ['more than any stack could hold', nested(200_000, '[', '', ']')],
  ])('is refused with %s nested deeper than documents are', (_, text) => {
    expect(() => parseJson(text)).toThrow(/nested/);
  });

  it('is refused with half of a surrogate pair, in a value and in a name', () => {
    expect(() => parseJson('["\\ud800"]')).toThrow(/surrogate/);
    expect(() => parseJson('{"\\udc00":1}')).toThrow(/surrogate/);
    expect(() => parseJson('{"a":[{"__proto__":1}]}')).toThrow(/__proto__/);
    expect(parseJson('{"constructor":"__proto__"}')).toEqual({ constructor: '__proto__' });
    expect(parseJson('["\\ud83d\\ude00"]')).toEqual(['\u{1f600}']);
  });
});
