import { describe, expect, it } from 'vitest';
import { firstHead, nextHead } from '../../../shared/domain/configuration.ts';
import { desiredOf } from '../../../shared/domain/desired.ts';
import { reportLengths } from '../../../shared/messages/shadow.ts';
import { advancedSettings, mostDomainBindings } from '../../../shared/schemas/advanced.ts';
import { sha256 } from './sha256.ts';

/** AWS IoT Core quotas: bytes of a shadow's state document, and levels below `desired` and `reported`. */
const mostBytes = 8192;
const mostLevels = 5;

const ipv4 = { address: '255.255.255.255', port: 65535 };
const ipv6 = { address: '2001:db8:1111:2222:3333:4444:5555:6666', port: 65535 };
const name = [63, 63, 63, 61].map((length) => 'x'.repeat(length)).join('.');
const certificate = (digit: string) => `cert-${digit.repeat(16)}`;
const tls = (digit: string) => ({
  accept: true,
  certificateId: certificate(digit),
  require: true,
  clientCertificate: 'request' as const,
});
const many = { root: 'f'.repeat(64), entries: 10_000_000, enabled: 10_000_000 };
const lists = { inbound: many, outbound: many, authentication: many, 'local-delivery': many, relay: many };
const large = (length: number) => 'f'.repeat(length);

/** Every number at its longest, every name at its longest. */
const advanced = advancedSettings.parse({
  inbound: { maxConnections: 50_000, maxMessageBytes: 1_073_741_824, maxQueuedMessages: 10_000_000 },
  outbound: {
    maxConnections: 50_000,
    maxMessageBytes: 1_073_741_824,
    maxQueuedMessages: 10_000_000,
    defaultSenderDomain: name,
    senderRecipientQuota: { maxRecipients: 1_000_000, minutes: 10_080 },
  },
  delivery: {
    maxExternalConnections: 50_000,
    maxQueuedMessages: 10_000_000,
    maxMessagesPerConnection: 100_000,
  },
  bindings: {
    local: ipv6.address,
    nonLocal: ipv6.address,
    dynamicallyRouted: ipv6.address,
    controlPlane: ipv6.address,
    domains: Array.from({ length: mostDomainBindings }, (_, index) => ({
      domain: `${index}.${name.slice(10)}`,
      sources: Array.from({ length: 8 }, () => ipv6.address),
    })),
  },
});

const largest = desiredOf(
  {
    ...nextHead(
      firstHead('mx1', lists, 'me', 'x'),
      {
        smtp: {
          mailFiltering: 'inbound-and-outbound',
          inbound: { ipv4, ipv6, tls: tls('1'), accept: 'listed' },
          outbound: {
            ipv4,
            ipv6,
            tls: { accept: true, certificateId: certificate('2') },
            nonLocalDelivery: 'relay',
          },
          authentication: {
            enabled: true,
            ipv4,
            ipv6,
            tls: tls('3'),
            source: { type: 'smtp-forwarding', host: name, port: 65535, tls: 'opportunistic' },
            accept: 'listed',
          },
        },
        advanced,
        lists,
        artifacts: {
          [certificate('1')]: large(64),
          [certificate('2')]: large(64),
          [certificate('3')]: large(64),
          'directory-sources': large(64),
          'client-authorities': large(64),
        },
      },
      'me',
      'x',
    ),
    revision: 999_999_999_999,
  },
  sha256,
);

const status = {
  revision: 999_999_999_999,
  code: 'rejected',
  message: '\u{1f4e7}'.repeat(reportLengths.message / 2),
  pointer: '/'.repeat(reportLengths.pointer),
  at: '2026-11-24T10:00:00.000Z',
};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const levelsOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0;

describe('the largest legal configuration', () => {
  it.each([
    ['settings', largest?.smtp, { ...largest?.smtp, status }],
    ['advanced settings', largest?.advanced, largest?.advanced],
  ])('of %s fits in its shadow, desired and reported together', (_, desired, reported) => {
    expect(desired).toBeDefined();
    expect(bytesOf({ desired, reported })).toBeLessThan(mostBytes);
    expect(levelsOf(desired)).toBeLessThanOrEqual(mostLevels);
    expect(levelsOf(reported)).toBeLessThanOrEqual(mostLevels);
  });

  it('keeps what has no bound out of the shadows', () => {
    expect(JSON.stringify(largest)).not.toContain('99.x');
    expect(largest?.smtp.artifacts).toHaveProperty('domain-bindings');
  });
});
