import { describe, expect, it } from 'vitest';
import { checkNames, readUpdate, ShadowError, tokenOf } from '../../../../local/iot/shadow-request.ts';

const bytes = (text: string) => Buffer.from(text);
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const refusal = (text: string): { code: number; message: string } | null => {
  try {
    readUpdate(bytes(text));
    return null;
  } catch (error) {
    if (error instanceof ShadowError) return { code: error.code, message: error.message };
    throw error;
  }
};

describe('an update request', () => {
  it.each([
    ['{', 'Invalid JSON'],
    ['', 'Invalid JSON'],
    ['{"state":{"desired":{"a":1e999}}}', 'Invalid JSON'],
    ['[]', 'Missing required node: state'],
    ['null', 'Missing required node: state'],
    ['{"desired":{}}', 'Missing required node: state'],
    ['{"state":7}', 'State node must be an object'],
    ['{"state":{"desired":[]}}', 'Desired node must be an object'],
    ['{"state":{"reported":"on"}}', 'Reported node must be an object'],
    ['{"state":{"delta":{}}}', 'State contains an invalid node'],
    ['{"state":{},"version":null}', 'Invalid version'],
    ['{"state":{},"version":1.5}', 'Invalid version'],
    ['{"state":{},"clientToken":null}', 'Invalid clientToken'],
    [`{"state":{"desired":${nested(7)}}}`, 'JSON contains too many levels of nesting; maximum is 6'],
    ['{"state":{"desired":{"a":[null]}}}', 'Arrays cannot contain null values'],
    ['{"state":{"desired":{"a":[{"b":null}]}}}', 'Arrays cannot contain null values'],
  ])('%s is refused with 400', (text, message) => {
    expect(refusal(text)).toEqual({ code: 400, message });
  });

  it('six levels are accepted, and empty objects add none', () => {
    expect(refusal(`{"state":{"desired":${nested(6)}}}`)).toBeNull();
    expect(refusal(`{"state":{"desired":${nested(5).replace('1', '{"b":{}}')}}}`)).toBeNull();
  });

  it('a document nested without end is refused, not overflowed', () => {
    expect(refusal(`{"state":{"desired":${nested(20_000)}}}`)?.code).toBe(400);
  });

  it('bytes that are not UTF-8 are 415', () => {
    expect(() => readUpdate(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(expect.objectContaining({ code: 415 }));
  });

  it('the token of a body is found even if the rest is wrong, and is absent if it is itself', () => {
    expect(tokenOf(bytes('{"state":7,"clientToken":"t"}'))).toBe('t');
    expect(tokenOf(bytes('{"clientToken":7}'))).toBeUndefined();
    expect(tokenOf(bytes('{'))).toBeUndefined();
  });
});

describe('names', () => {
  it.each([
    { thing: '' },
    { thing: 'a.b' },
    { thing: 'a b' },
    { thing: 'x'.repeat(129) },
    { thing: 'a', shadow: '' },
    { thing: 'a', shadow: 'a/b' },
    { thing: 'a', shadow: 'x'.repeat(65) },
  ])('%j is refused', (key) => {
    expect(() => checkNames(key)).toThrow(ShadowError);
  });

  it('colons, underscores and hyphens are accepted', () => {
    expect(() => checkNames({ thing: 'a:b_c-1', shadow: '$a:b' })).not.toThrow();
  });
});
