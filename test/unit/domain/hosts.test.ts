import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHosts,
  hostFormat,
  hostVerdict,
  isTaken,
  judgeHost,
  sortHosts,
} from '../../../shared/domain/hosts.ts';
import { type Host, hostInput } from '../../../shared/schemas/hosts.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noOutboundTls, noTls } from '../../../shared/schemas/smtp.ts';

const judged = (given: object) => judgeHost(hostInput.parse(given));
const codes = (given: object) => judged(given).problems.map(({ code, pointer }) => `${code} ${pointer}`);

describe('a host', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['MX.Example.COM.', 'mx.example.com'],
    ['mailhub', 'mailhub'],
    ['Mailhub.', 'mailhub'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ])('%s is kept as %s', (given, kept) => {
    expect(judged({ host: given })).toMatchObject({ problems: [], host: { host: kept } });
  });

  it('has port 25, preference 10 and no MX lookup unless told', () => {
    expect(judged({ host: 'mx' }).host).toEqual({ host: 'mx', port: 25, preference: 10, mxLookup: false });
  });

  it.each([
    ['2001:db8::1', ['IPV6_NOT_SUPPORTED /host']],
    ['[2001:db8::1]', ['IPV6_NOT_SUPPORTED /host']],
    ['::ffff:192.0.2.1', ['IPV6_NOT_SUPPORTED /host']],
    ['192.0.2.256', ['HOST_INVALID /host']],
    ['010.0.0.1', ['HOST_INVALID /host']],
    ['10.1', ['HOST_INVALID /host']],
    ['127', ['HOST_INVALID /host']],
    ['mx.1', ['HOST_INVALID /host']],
    ['a b', ['HOST_INVALID /host']],
    ['-mx.example.com', ['HOST_INVALID /host']],
    ['*.example.com', ['HOST_INVALID /host']],
    ['mx.example.com:25', ['HOST_INVALID /host']],
  ])('%s is refused', (given, expected) => {
    expect(codes({ host: given })).toEqual(expected);
  });

  it('is looked up by MX only as a name', () => {
    expect(codes({ host: '192.0.2.1', mxLookup: true })).toEqual(['MX_LOOKUP_NEEDS_NAME /mxLookup']);
    expect(codes({ host: 'example.com', mxLookup: true })).toEqual([]);
  });

  it('is taken when another goes to the same place in the same way', () => {
    const there: Host = { hostId: 'host-1', host: 'mx', port: 25, mxLookup: false, preference: 5 };
    const { hostId: _, ...same } = there;
    expect(isTaken([there], { ...same, preference: 9 })).toBe(true);
    expect(isTaken([there], same, 'host-1')).toBe(false);
    expect(isTaken([there], { ...same, port: 26 })).toBe(false);
    expect(isTaken([there], { ...same, mxLookup: true })).toBe(false);
  });
});

describe('a list of hosts', () => {
  const host = fc.record({
    hostId: fc.integer({ min: 0, max: 2 ** 31 }).map((id) => `host-${id.toString(16).padStart(16, '0')}`),
    host: fc.constantFrom('mx1.example.com', 'mx2.example.com', '192.0.2.1', 'hub'),
    port: fc.integer({ min: 1, max: 65_535 }),
    mxLookup: fc.boolean(),
    preference: fc.integer({ min: 0, max: 65_535 }),
  });
  const hosts = fc.uniqueArray(host, { selector: ({ hostId }) => hostId });

  it('is read back as it was written, one host a line', () => {
    fc.assert(
      fc.property(hosts, (list) => {
        const text = list.map(hostFormat.line).join('');
        expect(decodeHosts(text)).toEqual(list);
        expect(text.split('\n')).toHaveLength(list.length + 1);
      }),
    );
  });

  it('is in the order of preference, whatever order it came in', () => {
    fc.assert(
      fc.property(hosts, (list) => {
        const sorted = sortHosts(list);
        expect(sortHosts([...list].reverse())).toEqual(sorted);
        const preferences = sorted.map((one) => one.preference);
        expect(preferences).toEqual([...preferences].sort((a, b) => a - b));
      }),
    );
  });
});

describe('settings and their hosts', () => {
  const list = (entries: number) => ({ root: 'a', entries, enabled: entries });
  const lists = (local: number, relay: number) => ({
    inbound: list(0),
    outbound: list(1),
    authentication: list(0),
    'local-delivery': list(local),
    relay: list(relay),
  });
  const ipv4 = { address: '192.0.2.1', port: 25 };
  const settings = (nonLocalDelivery: 'mx' | 'relay'): SmtpSettings => ({
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4, ipv6: null, tls: noTls, accept: 'all' },
    outbound: { ipv4, ipv6: null, tls: noOutboundTls, nonLocalDelivery },
    authentication: { enabled: false },
  });
  const verdict = (...args: Parameters<typeof hostVerdict>) => {
    const { problems, warnings } = hostVerdict(...args);
    return [problems, warnings].map((found) => found.map(({ code, pointer }) => `${code} ${pointer}`));
  };

  it('need a relay host where mail is relayed, and only there', () => {
    const required = ['RELAY_HOSTS_REQUIRED /outbound/nonLocalDelivery'];
    expect(verdict(settings('relay'), lists(1, 0))).toEqual([required, []]);
    expect(verdict(settings('relay'), lists(1, 1))).toEqual([[], []]);
    expect(verdict(settings('mx'), lists(1, 0))).toEqual([[], []]);
  });

  it('are warned of inbound mail without a place to go', () => {
    expect(verdict(settings('mx'), lists(0, 0))).toEqual([[], ['LOCAL_DELIVERY_EMPTY /inbound']]);
    const { inbound: _, ...outboundOnly } = settings('mx');
    expect(verdict({ ...outboundOnly, mailFiltering: 'outbound' }, lists(0, 0))).toEqual([[], []]);
  });
});
