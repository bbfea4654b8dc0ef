import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spanOf } from '../../../shared/domain/lists/lint.ts';
import { byChunk, foundIn } from '../../../shared/domain/lists/lookup.ts';
import {
  candidatesOf,
  clientAddress,
  enabledDomains,
  judgeClient,
  listVerdict,
  settingsVerdict,
} from '../../../shared/domain/match.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { inChunks, list } from './lists/pieces.ts';

const listener = { ipv4: { address: '192.0.2.1', port: 25 }, ipv6: null };
const settings = (more: object): SmtpSettings =>
  ({ mailFiltering: 'inbound-and-outbound', ...more }) as unknown as SmtpSettings;

describe('a client', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['192.0.2.01', null],
    ['192.0.2.0/24', null],
    ['example.com', null],
    ['', null],
  ])('%s is %s', (text, wanted) => {
    expect(clientAddress(text)).toBe(wanted);
  });

  it('that is wrong in two ways is told both', () => {
    expect(judgeClient('x', 'y').problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/query/client', 'ADDRESS_INVALID'],
      ['/query/name', 'DOMAIN_SINGLE_LABEL'],
    ]);
    expect(judgeClient('10.0.0.1', 'Mail.Example.COM.').client).toEqual({
      address: '10.0.0.1',
      name: 'mail.example.com',
    });
  });

  it('has at most 66 or 129 values of addresses, and two for each label', () => {
    expect(candidatesOf({ address: '10.1.2.3', name: null })).toHaveLength(66);
    expect(candidatesOf({ address: '2001:db8::1', name: null })).toHaveLength(129);
    const named = candidatesOf({ address: '10.1.2.3', name: 'a.b.example.com' }).slice(66);
    expect(named.map(({ value }) => value)).toEqual([
      'a.b.example.com',
      'b.example.com',
      'example.com',
      '.b.example.com',
      '.example.com',
    ]);
  });
});

/** Whether an entry means a client, by the meaning of the two alone. */
const means = (value: string, address: string, name: string): boolean => {
  const span = spanOf(value);
  if (!span)
    return value.startsWith('.') ? name.endsWith(value) : name === value || name.endsWith(`.${value}`);
  const client = spanOf(address);
  if (!client) return false;
  if (span.bits === client.bits) return span.base <= client.base && client.base <= span.end;
  const mapped = spanOf(`::ffff:${address}`);
  return (
    client.bits === 32 &&
    span.prefix >= 96 &&
    span.base <= (mapped?.base ?? 0n) &&
    (mapped?.base ?? 0n) <= span.end
  );
};

describe('the entries that let a client in', () => {
  it('are found in the chunks that can hold them, as a look at every entry finds them', () => {
    const client = fc.constantFrom(
      '10.0.1.2',
      '11.0.0.0',
      '192.0.3.3',
      '128.0.0.0',
      '2001:db8::1',
      '2600::2',
      'fd00::',
      '::3',
    );
    const name = fc.constantFrom('x.org', 'a.x.org', 'b.a.x.org', 'mail.xx.org', 'z.example');
    fc.assert(
      fc.property(list, client, name, fc.integer({ min: 1, max: 7 }), (entries, address, reverse, size) => {
        const { manifest, parts } = inChunks(entries, size);
        const found = [...byChunk(manifest, candidatesOf({ address, name: reverse }))].flatMap(
          ([index, wanted]) => foundIn(parts[index] ?? [], wanted),
        );
        const wanted = entries.filter(({ value }) => means(value, address, reverse));
        expect(found.map(({ value }) => value).sort()).toEqual(wanted.map(({ value }) => value).sort());
      }),
      { numRuns: 2000 },
    );
  });

  it('whether a domain is enabled is told by the counts, or by one chunk that holds both', () => {
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 7 }), (entries, size) => {
        const { manifest, parts } = inChunks(entries, size);
        const told = enabledDomains(manifest);
        const asked = manifest.chunks.findIndex(({ sha256 }) => sha256 === told);
        const has = (some: typeof entries) => some.some((entry) => entry.kind === 'domain' && entry.enabled);
        expect(typeof told === 'boolean' ? told : has(parts[asked] ?? [])).toBe(has(entries));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the verdict', () => {
  it.each<[string, SmtpSettings | null, 'inbound' | 'outbound' | 'authentication', string | null]>([
    ['before the first save', null, 'inbound', 'SMTP_NOT_CONFIGURED'],
    ['of a section that the mode hides', settings({ outbound: listener }), 'inbound', 'SECTION_ABSENT'],
    ['of inbound for all', settings({ inbound: { ...listener, accept: 'all' } }), 'inbound', 'ACCEPTS_ALL'],
    ['of inbound for listed', settings({ inbound: { ...listener, accept: 'listed' } }), 'inbound', null],
    ['of outbound, always', settings({ outbound: listener }), 'outbound', null],
    [
      'of authentication off',
      settings({ authentication: { enabled: false } }),
      'authentication',
      'SECTION_DISABLED',
    ],
    [
      'of authentication for all',
      settings({ authentication: { enabled: true, accept: 'all' } }),
      'authentication',
      'ACCEPTS_ALL',
    ],
    [
      'of authentication for listed',
      settings({ authentication: { enabled: true, accept: 'listed' } }),
      'authentication',
      null,
    ],
  ])('%s', (_, smtp, name, reason) => {
    expect(settingsVerdict(smtp, name)?.reason ?? null).toBe(reason);
  });

  it('is of enabled entries first, then of a name that may decide, then of disabled ones', () => {
    const on = { value: '10.0.0.1', kind: 'ipv4' as const, enabled: true };
    const off = { ...on, value: '10.0.0.0/8', enabled: false };
    expect(listVerdict([off, on], true)).toEqual({ accepted: true, reason: 'LISTED', entries: [on] });
    expect(listVerdict([off], true)).toEqual({ accepted: null, reason: 'NAME_NEEDED', entries: [] });
    expect(listVerdict([off], false)).toEqual({ accepted: false, reason: 'ONLY_DISABLED', entries: [off] });
    expect(listVerdict([], false)).toEqual({ accepted: false, reason: 'NOT_LISTED', entries: [] });
  });
});
