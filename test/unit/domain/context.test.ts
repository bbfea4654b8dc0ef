import { describe, expect, it } from 'vitest';
import { type Context, contextVerdict } from '../../../shared/domain/context.ts';
import { advancedSettings, defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

const certificateId = 'cert-0123456789abcdef';
const reference = { root: 'a'.repeat(64), entries: 1, enabled: 1 };
const context = (more: Partial<Context> = {}): Context => ({
  lists: {
    inbound: reference,
    outbound: reference,
    authentication: reference,
    'local-delivery': reference,
    relay: reference,
  },
  advanced: defaultAdvanced(),
  advancedBefore: defaultAdvanced(),
  interfaces: [{ name: 'eth0', type: 'ethernet', ipv4: ['192.0.2.1'], ipv6: [] }],
  certificates: new Map([
    [certificateId, { name: 'mx', notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-12-31T00:00:00Z' }],
  ]),
  authenticationSources: 1,
  clientAuthorities: 1,
  domainEntries: [],
  before: null,
  acknowledged: [],
  now: new Date('2026-11-24T12:00:00Z'),
  ...more,
});

const ipv4 = { address: '192.0.2.1', port: 25 };
const tls = { accept: true, certificateId, require: true, clientCertificate: 'require' as const };
const whole = smtpSettings.parse({
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: { ...ipv4, port: 2525 }, tls },
  outbound: { ipv4 },
  authentication: { enabled: true, source: { type: 'ldap' }, ipv4: { ...ipv4, port: 587 }, tls },
});
const shared = smtpSettings.parse({ ...whole, inbound: { ipv4 }, outbound: { ipv4 } });

const verdict = (settings: typeof whole, more: Partial<Context> = {}) => {
  const { problems, warnings } = contextVerdict(settings, context(more));
  return [problems, warnings].map((found) => found.map(({ code, pointer }) => `${code} ${pointer}`));
};

describe('settings in their world', () => {
  it('that has everything are whole', () => {
    expect(verdict(whole)).toEqual([[], []]);
  });

  it('need a directory source where directories authenticate', () => {
    expect(verdict(whole, { authenticationSources: 0 })[0]).toEqual([
      'DIRECTORY_SOURCE_REQUIRED /authentication/source',
    ]);
    const forwarding = smtpSettings.parse({
      ...whole,
      authentication: { ...whole.authentication, source: { type: 'smtp-forwarding', host: '192.0.2.7' } },
    });
    expect(verdict(forwarding, { authenticationSources: 0 })[0]).toEqual([]);
  });

  it('need an authority in each section that verifies clients', () => {
    expect(verdict(whole, { clientAuthorities: 0 })[0]).toEqual([
      'CLIENT_CA_REQUIRED /inbound/tls/clientCertificate',
      'CLIENT_CA_REQUIRED /authentication/tls/clientCertificate',
    ]);
    const none = smtpSettings.parse({
      mailFiltering: 'inbound',
      inbound: { ipv4, tls: { ...tls, clientCertificate: 'none' } },
    });
    expect(verdict(none, { clientAuthorities: 0 })[0]).toEqual([]);
  });

  it('tell everything that is wrong at once', () => {
    const [problems] = verdict(whole, {
      clientAuthorities: 0,
      authenticationSources: 0,
      certificates: new Map(),
      interfaces: [{ name: 'eth0', type: 'ethernet', ipv4: ['192.0.2.200'], ipv6: [] }],
    });
    expect(new Set(problems?.map((one) => one.split(' ')[0]))).toEqual(
      new Set([
        'CLIENT_CA_REQUIRED',
        'DIRECTORY_SOURCE_REQUIRED',
        'CERTIFICATE_NOT_FOUND',
        'ADDRESS_NOT_ON_SCANNER',
      ]),
    );
  });
});

describe('a listener that inbound and outbound share', () => {
  it('is warned of where names decide', () => {
    expect(verdict(shared, { domainEntries: ['inbound', 'outbound'] })[1]).toEqual([
      'SHARED_LISTENER_NAMES /inbound',
      'SHARED_LISTENER_NAMES /outbound',
    ]);
    expect(verdict(shared)[1]).toEqual([]);
    expect(verdict(whole, { domainEntries: ['inbound'] })[1]).toEqual([]);
  });

  it('is warned of where TLS differs', () => {
    const differing = smtpSettings.parse({
      ...shared,
      outbound: { ipv4, tls: { accept: true, certificateId } },
    });
    expect(verdict(differing)[1]).toEqual(['SHARED_LISTENER_TLS /outbound/tls']);
  });

  it('is warned of where limits differ that are told before it is known which way mail goes', () => {
    const advanced = advancedSettings.parse({
      inbound: { maxMessageBytes: 1_000_000, maxConnections: 5 },
      outbound: { maxRecipientsPerMessage: 7 },
    });
    expect(verdict(shared, { advanced })[1]).toEqual([
      'SHARED_LISTENER_LIMITS /outbound/maxMessageBytes',
      'SHARED_LISTENER_LIMITS /outbound/maxRecipientsPerMessage',
    ]);
    expect(verdict(whole, { advanced })[1]).toEqual([]);
  });
});

it('a binding that settings take the listener from is warned of', () => {
  const advanced = {
    ...defaultAdvanced(),
    bindings: { ...defaultAdvanced().bindings, nonLocal: 'outbound' },
  };
  const inboundOnly = smtpSettings.parse({ mailFiltering: 'inbound', inbound: { ipv4 } });
  expect(verdict(inboundOnly, { advanced, advancedBefore: advanced })).toEqual([
    [],
    ['BINDING_NOT_AVAILABLE /bindings/nonLocal'],
  ]);
  expect(verdict(inboundOnly, { advanced })[0]).toEqual(['BINDING_NOT_AVAILABLE /bindings/nonLocal']);
});
