import { describe, expect, it } from 'vitest';
import { interfaceVerdict } from '../../../shared/domain/interfaces.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noOutboundTls } from '../../../shared/schemas/smtp.ts';

const interfaces = [
  { name: 'eth0', type: 'ethernet' as const, ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'] },
  { name: 'eth0:1', type: 'virtual' as const, ipv4: ['192.0.2.2'], ipv6: [] },
];
const settings = (ipv4: string, ipv6: string | null = null, enabled = false): SmtpSettings => ({
  mailFiltering: 'outbound',
  outbound: {
    ipv4: { address: ipv4, port: 25 },
    ipv6: ipv6 === null ? null : { address: ipv6, port: 25 },
    tls: noOutboundTls,
    nonLocalDelivery: 'mx',
  },
  authentication: { enabled, ipv4: { address: '198.51.100.9', port: 587 }, ipv6: null, accept: 'all' },
});
const verdict = (...args: Parameters<typeof interfaceVerdict>) => {
  const { problems, warnings } = interfaceVerdict(...args);
  return [problems, warnings].map((found) => found.map(({ code, pointer }) => `${code} ${pointer}`));
};
const foreign = (pointer: string) => [`ADDRESS_NOT_ON_SCANNER ${pointer}`];

describe('the addresses of listeners', () => {
  it('may be of any interface, Ethernet or virtual, IPv4 or IPv6', () => {
    expect(verdict(settings('192.0.2.1', '2001:db8::1'), interfaces, null)).toEqual([[], []]);
    expect(verdict(settings('192.0.2.2'), interfaces, null)).toEqual([[], []]);
  });

  it('are refused when they are on none', () => {
    expect(verdict(settings('192.0.2.3', '2001:db8::2'), interfaces, null)).toEqual([
      [...foreign('/outbound/ipv4/address'), ...foreign('/outbound/ipv6/address')],
      [],
    ]);
  });

  it('of authentication count only when it is enabled', () => {
    expect(verdict(settings('192.0.2.1', null, true), interfaces, null)).toEqual([
      foreign('/authentication/ipv4/address'),
      [],
    ]);
    expect(verdict(settings('192.0.2.1'), interfaces, null)).toEqual([[], []]);
  });

  it('that a write does not change are warned of, and never block it', () => {
    const before = settings('192.0.2.3');
    expect(verdict(settings('192.0.2.3', '2001:db8::1'), interfaces, before)).toEqual([
      [],
      foreign('/outbound/ipv4/address'),
    ]);
    expect(verdict(settings('192.0.2.4'), interfaces, before)).toEqual([
      foreign('/outbound/ipv4/address'),
      [],
    ]);
  });

  it('are taken with a warning before the Scanner has reported', () => {
    for (const reported of [null, []])
      expect(verdict(settings('203.0.113.1'), reported, null)).toEqual([[], ['INTERFACES_UNKNOWN ']]);
  });
});
