import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch, withWayOut } from '../../../shared/domain/merge-patch.ts';
import { patchedSettings } from '../../../shared/domain/settings.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noOutboundTls, noTls } from '../../../shared/schemas/smtp.ts';

/** RFC 7396, section 2, as its pseudocode has it. */
const reference = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const object = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result = new Map(Object.entries(object));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, reference(result.get(name), value));
  }
  return Object.fromEntries(result);
};

const json = fc.jsonValue({ maxDepth: 4 });

describe('a merge patch', () => {
  // RFC 7396, appendix A.
  it.each([
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
  ])('of %j by %j makes %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('takes a member called __proto__ for a member', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"a":1}}')) as object;
    expect(Object.keys(patched)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
  });

  it('is what the RFC says for any two documents', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        expect(JSON.stringify(mergePatch(target, patch))).toBe(JSON.stringify(reference(target, patch)));
      }),
    );
  });

  it('applied twice is as applied once', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

describe('settings under a patch', () => {
  const listener = { address: '192.0.2.1', port: 25 };
  const both: SmtpSettings = {
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4: listener, ipv6: null, tls: noTls, accept: 'all' },
    outbound: { ipv4: { ...listener, port: 26 }, ipv6: null, tls: noOutboundTls, nonLocalDelivery: 'mx' },
    authentication: { enabled: false },
  };

  it('lose the sections that a new mode hides', () => {
    expect(Object.keys(patchedSettings(both, { mailFiltering: 'inbound' }))).toEqual([
      'mailFiltering',
      'inbound',
    ]);
    expect(Object.keys(patchedSettings(both, { mailFiltering: 'outbound' }))).toEqual([
      'mailFiltering',
      'outbound',
      'authentication',
    ]);
  });

  it('keep a hidden section that the patch gives, for the rules to refuse', () => {
    const patch = { mailFiltering: 'inbound', outbound: { ipv4: listener } };
    expect(patchedSettings(both, patch)).toHaveProperty('outbound');
  });

  it('take no read-only member from the patch', () => {
    expect(patchedSettings(both, { revision: 7, lists: {}, updatedBy: 'x' })).toEqual(both);
  });

  it('begin with nothing before the first save', () => {
    expect(patchedSettings(null, { mailFiltering: 'inbound' })).toEqual({ mailFiltering: 'inbound' });
  });
});

describe('what a patch leaves as it is stored, and does not fit any more', () => {
  const told = (patch: unknown, pointer: string, code: ErrorCode = 'UNKNOWN_FIELD') =>
    withWayOut([{ pointer, code, message: 'x' }], patch)[0]?.suggestion;

  it('says that null takes it out', () => {
    const patch = { authentication: { source: { type: 'ldap' } } };

    expect(told(patch, '/authentication/source/host')).toMatch(/null takes it out/);
    expect(
      told({ inbound: { tls: { accept: false } } }, '/inbound/tls/require', 'TLS_FIELDS_WITHOUT_TLS'),
    ).toBe(told(patch, '/authentication/source/host'));
  });

  it('does not where the patch gives it, or what holds it', () => {
    expect(told({ a: { 'b/c': 1 } }, '/a/b~1c')).toBeUndefined();
    expect(told({ a: 1 }, '/a/b')).toBeUndefined();
  });

  it('does not where something else is wrong with it', () => {
    expect(told({ inbound: {} }, '/authentication/ipv4', 'LISTENER_CONFLICT')).toBeUndefined();
  });
});
