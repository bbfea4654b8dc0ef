import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { canonicalIpv6, parseIpv4 } from '../../../../shared/domain/lists/addresses.ts';
import { isValidComment, mayOpenRelay, parseEntry } from '../../../../shared/domain/lists/entry.ts';

const accepted: [string, string, string][] = [
  ['192.0.2.1', '192.0.2.1', 'ipv4'],
  ['0.0.0.0', '0.0.0.0', 'ipv4'],
  ['255.255.255.255', '255.255.255.255', 'ipv4'],
  ['192.0.2.1/32', '192.0.2.1', 'ipv4'],
  ['192.0.2.0/24', '192.0.2.0/24', 'ipv4-network'],
  ['192.0.2.77/24', '192.0.2.0/24', 'ipv4-network'],
  ['0.0.0.0/0', '0.0.0.0/0', 'ipv4-network'],
  ['2001:DB8::0:1', '2001:db8::1', 'ipv6'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 'ipv6'],
  ['2001:db8::/128', '2001:db8::', 'ipv6'],
  ['2001:db8::1/32', '2001:db8::/32', 'ipv6-network'],
  ['::/0', '::/0', 'ipv6-network'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1', 'ipv6'],
  ['::ffff:c000:201', '::ffff:192.0.2.1', 'ipv6'],
  ['::192.0.2.1', '::c000:201', 'ipv6'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201', 'ipv6'],
  ['::ffff:192.0.2.9/120', '::ffff:192.0.2.0/120', 'ipv6-network'],
  ['Example.COM', 'example.com', 'domain'],
  ['example.com.', 'example.com', 'domain'],
  ['*.example.com', '.example.com', 'domain'],
  ['.example.com', '.example.com', 'domain'],
  ['a_b.example.com', 'a_b.example.com', 'domain'],
  ['4e0.4e0', '4e0.4e0', 'domain'],
  ['bücher.example', 'xn--bcher-kva.example', 'domain'],
  ['faß.example', 'xn--fa-hia.example', 'domain'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example', 'domain'],
  ['例え。jp', 'xn--r8jz45g.jp', 'domain'],
];

const refused: [string, string, string | undefined][] = [
  ['', 'DOMAIN_INVALID', undefined],
  ['010.0.0.1', 'IPV4_LEADING_ZERO', '10.0.0.1'],
  ['10.00.0.1', 'IPV4_LEADING_ZERO', '10.0.0.1'],
  ['010.0.0.0/8', 'IPV4_LEADING_ZERO', '10.0.0.0/8'],
  ['010.0.0.1/8', 'IPV4_LEADING_ZERO', '10.0.0.0/8'],
  ['1/0', 'IPV4_SHORT_FORM', '0.0.0.0/0'],
  ['192.0.2.77/024', 'PREFIX_INVALID', '192.0.2.0/24'],
  ['127.1', 'IPV4_SHORT_FORM', undefined],
  ['10/8', 'IPV4_SHORT_FORM', '10.0.0.0/8'],
  ['192.168/16', 'IPV4_SHORT_FORM', '192.168.0.0/16'],
  ['3232235777', 'IPV4_SHORT_FORM', undefined],
  ['0xc0000201', 'IPV4_SHORT_FORM', undefined],
  ['192.0.2.256', 'NOT_AN_ENTRY', undefined],
  ['192.0.2.1.5', 'NOT_AN_ENTRY', undefined],
  ['192.0.2.', 'IPV4_SHORT_FORM', undefined],
  ['192.0.2.*', 'NOT_AN_ENTRY', '192.0.2.0/24'],
  ['192.0.2.0/33', 'PREFIX_INVALID', undefined],
  ['192.0.2.0/024', 'PREFIX_INVALID', '192.0.2.0/24'],
  ['192.0.2.0/', 'PREFIX_INVALID', undefined],
  ['2001:db8::/129', 'PREFIX_INVALID', undefined],
  ['192.0.2.0/255.255.255.0', 'NETMASK_NOT_SUPPORTED', '192.0.2.0/24'],
  ['192.0.2.0/0.0.0.255', 'NETMASK_NOT_SUPPORTED', '192.0.2.0/24'],
  ['192.0.2.0/255.0.255.0', 'NETMASK_NOT_SUPPORTED', undefined],
  ['192.0.2.0-192.0.2.255', 'RANGE_NOT_SUPPORTED', '192.0.2.0/24'],
  ['192.0.2.1-192.0.2.9', 'RANGE_NOT_SUPPORTED', undefined],
  ['2001:db8::1-2001:db8::5', 'RANGE_NOT_SUPPORTED', undefined],
  ['fe80::1%eth0', 'IPV6_ZONE', undefined],
  ['fe80::1%eth0/64', 'IPV6_ZONE', undefined],
  ['1:2:3', 'NOT_AN_ENTRY', undefined],
  ['::1::', 'NOT_AN_ENTRY', undefined],
  ['::ffff:010.0.0.1', 'NOT_AN_ENTRY', undefined],
  ['mailhost', 'DOMAIN_SINGLE_LABEL', undefined],
  ['-a.example', 'DOMAIN_INVALID', undefined],
  ['a..example', 'DOMAIN_INVALID', undefined],
  ['user@example.com', 'DOMAIN_INVALID', undefined],
  ['http://example.com/', 'NOT_AN_ENTRY', undefined],
  ['example.com/24', 'NOT_AN_ENTRY', undefined],
  ['example.123', 'DOMAIN_INVALID', undefined],
  ['example.0x1', 'DOMAIN_INVALID', undefined],
  ['xn--a.example', 'DOMAIN_INVALID', undefined],
  ['１９２.０.２.１', 'DOMAIN_INVALID', undefined],
  ['192。0。2。1', 'DOMAIN_INVALID', undefined],
  ['a%2eexample', 'DOMAIN_INVALID', undefined],
  [`${'a'.repeat(64)}.example`, 'DOMAIN_INVALID', undefined],
  [`${'a.'.repeat(150)}example`, 'TOKEN_TOO_LONG', undefined],
];

describe('the canonical table', () => {
  it.each(accepted)('%s is stored as %s', (token, value, kind) => {
    expect(parseEntry(token)).toMatchObject({ ok: true, value, kind });
  });

  it.each(refused)('%j is refused as %s', (token, code, suggestion) => {
    const result = parseEntry(token);

    expect(result).toMatchObject({ ok: false, code });
    expect((result as { suggestion?: string }).suggestion).toBe(suggestion);
  });

  it('every suggestion is itself an entry in its one form', () => {
    for (const [, , suggestion] of refused)
      if (suggestion !== undefined)
        expect(parseEntry(suggestion)).toMatchObject({ ok: true, value: suggestion });
  });
});

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});
const label = fc
  .stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/)
  .filter((text) => !text.startsWith('xn--'));
const domain = fc.tuple(label, fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/)).map((labels) => labels.join('.'));
const token = fc.oneof(
  ipv4,
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => `${address}/${prefix}`),
  groups.map((parts) => parts.map((part) => part.toString(16)).join(':')),
  fc
    .tuple(groups, fc.integer({ min: 0, max: 128 }))
    .map(([parts, prefix]) => `${parts.map((part) => part.toString(16)).join(':')}/${prefix}`),
  domain,
  fc.string(),
  fc.string({ unit: 'binary' }),
);

describe('for any token', () => {
  it('making an entry of an entry changes nothing', () => {
    fc.assert(
      fc.property(token, (text) => {
        const first = parseEntry(text);
        if (!first.ok) return;
        expect(parseEntry(first.value)).toEqual(first);
      }),
      { numRuns: 2000 },
    );
  });

  it('what is accepted as IPv4 is what four decimal octets are', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, fc.stringMatching(/^[0-9.]{1,16}$/)), (text) => {
        const strict = ipaddr.IPv4.isValidFourPartDecimal(text) && !/(?:^|\.)0\d/.test(text);
        expect(parseIpv4(text) !== null).toBe(strict);
      }),
      { numRuns: 2000 },
    );
  });

  it('an IPv6 address keeps its value and gets the form of RFC 5952', () => {
    fc.assert(
      fc.property(groups, (parts) => {
        const canonical = canonicalIpv6(parts.map((part) => part.toString(16).padStart(4, '0')).join(':'));
        expect(ipaddr.IPv6.parse(canonical ?? '').parts).toEqual(parts);
        if (!canonical?.includes('.')) expect(canonical).toBe(new ipaddr.IPv6(parts).toRFC5952String());
      }),
    );
  });
});

describe('a network that may make an open relay', () => {
  const relay: [string, boolean][] = [
    ['0.0.0.0/0', true],
    ['10.0.0.0/7', true],
    ['10.0.0.0/8', false],
    ['2001::/15', true],
    ['2001::/16', false],
    ['::ffff:0.0.0.0/103', true],
    ['::ffff:10.0.0.0/104', false],
    ['::ffff:0.0.0.0/96', true],
    ['10.0.0.1', false],
    ['example.com', false],
  ];

  it.each(relay)('%s: %s', (text, wide) => {
    const entry = parseEntry(text);
    expect(entry.ok && mayOpenRelay(entry)).toBe(wide);
  });
});

describe('a comment', () => {
  it('may have 255 characters and no control characters', () => {
    expect(isValidComment('Lyon office, 3rd floor – é')).toBe(true);
    expect(isValidComment('x'.repeat(255))).toBe(true);
    expect(isValidComment('x'.repeat(256))).toBe(false);
    expect(isValidComment('a\nb')).toBe(false);
    expect(isValidComment('a\u0085b')).toBe(false);
    expect(isValidComment('\ud800')).toBe(false);
  });
});
