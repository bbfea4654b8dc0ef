import type { RenderInput } from '../../../../scanner/postfix/render/input.ts';
import type { Place } from '../../../../scanner/postfix/render/place.ts';
import { type Rendered, renderPostfix } from '../../../../scanner/postfix/render/render.ts';
import { advancedOf } from '../../../../shared/domain/desired.ts';
import {
  type AdvancedSettingsInput,
  advancedSettings,
  type DomainBinding,
} from '../../../../shared/schemas/advanced.ts';
import type { HostInput } from '../../../../shared/schemas/hosts.ts';
import { type SmtpSettingsInput, smtpSettings } from '../../../../shared/schemas/smtp.ts';
import { digestOf } from '../documents.ts';

export const place: Place = {
  version: '17-0a1b2c3d',
  folder: '/scanner/versions/17-0a1b2c3d',
  queueDirectory: '/scanner/queue',
  dataDirectory: '/scanner/data',
  logFile: '/scanner/log/mail.log',
  policySocket: '/scanner/guard/policy',
  authSocket: '/scanner/guard/auth',
  hostName: 'mx1.example.com',
  marker: '00112233445566778899aabbccddeeff',
};

export const certificateId = 'cert-00000000000000a1';

/** Blocks that no OpenSSL would read: the renderer only places them. */
const block = (label: string, data: string) => `-----BEGIN ${label}-----\n${data}\n-----END ${label}-----\n`;
export const keyPem = block('PRIVATE KEY', 'S0VZ');
export const chainPem = block('CERTIFICATE', 'TEVBRg==') + block('CERTIFICATE', 'Q0hBSU4=');
export const authoritiesPem = block('CERTIFICATE', 'Um9vdA==');

export const artifactTexts = (domains: readonly DomainBinding[] = []): Map<string, string> =>
  new Map([
    [certificateId, JSON.stringify({ certificateId, certificatePem: chainPem, privateKeyPem: keyPem })],
    ['client-authorities', JSON.stringify({ certificatePem: authoritiesPem })],
    ...(domains.length > 0 ? ([['domain-bindings', JSON.stringify(domains)]] as const) : []),
  ]);

export const host = (name: string, more: Partial<HostInput> = {}): HostInput => ({
  host: name,
  port: 25,
  mxLookup: false,
  preference: 10,
  ...more,
});

export interface Sample {
  smtp: SmtpSettingsInput;
  advanced?: AdvancedSettingsInput;
  hosts?: Partial<RenderInput['hosts']>;
  withDomains?: RenderInput['withDomains'];
  place?: Partial<Place>;
  /** Where it is not that of the place. */
  name?: string;
  artifacts?: RenderInput['artifacts'];
}

const withoutNull = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, member) => (member === null ? undefined : member)));

/** What a Scanner has of a sample, as it comes in shadows, lists and artifacts. */
export const inputOf = (sample: Sample): RenderInput => {
  const advanced = advancedSettings.parse(sample.advanced ?? {});
  const shadow = advancedOf(advanced);
  const artifacts = sample.artifacts ?? artifactTexts(advanced.bindings.domains);
  const smtp = {
    revision: 17,
    ...(withoutNull(smtpSettings.parse(sample.smtp)) as object),
    lists: {},
    advanced: digestOf(shadow),
    artifacts: Object.fromEntries([...artifacts.keys()].map((name) => [name, digestOf({ name })])),
  };
  const where = { ...place, ...sample.place };
  return {
    name: sample.name ?? where.version,
    desired: { smtp, advanced: shadow } as RenderInput['desired'],
    hosts: { localDelivery: [host('10.0.0.5')], relay: [], ...sample.hosts },
    artifacts,
    withDomains: sample.withDomains ?? [],
    place: where,
  };
};

/** The whole of a sample that can be rendered. @throws Error with what is refused. */
export const rendered = (sample: Sample): Rendered => {
  const rendering = renderPostfix(inputOf(sample));
  if ('refusals' in rendering) throw new Error(JSON.stringify(rendering.refusals));
  return rendering;
};

/** What is refused of a sample, pointers alone. */
export const refusedAt = (sample: Sample): string[] => {
  const rendering = renderPostfix(inputOf(sample));
  return 'refusals' in rendering ? rendering.refusals.map(({ pointer }) => pointer) : [];
};

const tls = { accept: true, certificateId, require: true, clientCertificate: 'require' as const };

/** Whole configurations, each of which shows much at once; what they come to is in `test/data/postfix/`. */
export const samples: Record<string, Sample> = {
  'inbound-default': {
    smtp: { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.10' } } },
  },
  'nowhere-to-deliver': {
    smtp: { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.10' } } },
    hosts: { localDelivery: [] },
    place: { logFile: null },
  },
  'everything-apart': {
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: {
        ipv4: { address: '192.0.2.10' },
        ipv6: { address: '2001:db8::10', port: 2525 },
        tls: { ...tls, require: false, clientCertificate: 'request' },
        accept: 'listed',
      },
      outbound: {
        ipv4: { address: '192.0.2.11', port: 26 },
        tls: { accept: true, certificateId },
        nonLocalDelivery: 'relay',
      },
      authentication: {
        enabled: true,
        ipv4: { address: '192.0.2.10', port: 587 },
        ipv6: { address: '2001:db8::10', port: 587 },
        tls,
        source: { type: 'smtp-forwarding', host: 'auth.example.com' },
        accept: 'listed',
      },
    },
    advanced: {
      inbound: { maxConnections: 30, maxMessageBytes: 2048, maxRecipientsPerMessage: 3 },
      outbound: {
        defaultSenderDomain: 'example.org',
        senderRecipientQuota: { maxRecipients: 100, minutes: 60 },
      },
      delivery: {
        maxExternalConnectionsPerAddress: 20,
        minRetryMinutes: 2,
        delayNotificationHours: 0,
        deferWhenQueueFull: false,
        opportunisticTls: false,
      },
      bindings: {
        local: 'inbound',
        nonLocal: '192.0.2.20',
        domains: [
          { domain: 'example.org', sources: ['outbound'] },
          { domain: 'example.net', sources: ['192.0.2.21', '192.0.2.22', 'auto'] },
          { domain: 'sub.example.net', sources: ['192.0.2.21', '192.0.2.22', 'auto'] },
        ],
      },
      authentication: { insertReceivedHeader: true, stripReceivedHeaders: true },
    },
    hosts: {
      localDelivery: [
        host('10.0.0.5', { preference: 5 }),
        host('10.0.0.6', { preference: 5, port: 2525 }),
        host('backup', { preference: 20 }),
      ],
      relay: [host('relay.example.net', { mxLookup: true }), host('203.0.113.7', { preference: 20 })],
    },
    withDomains: ['inbound', 'outbound'],
  },
  'shared-listener': {
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: {
        ipv4: { address: '192.0.2.10' },
        ipv6: { address: '2001:db8::10' },
        tls: { accept: true, certificateId, require: true },
      },
      outbound: { ipv4: { address: '192.0.2.10' }, nonLocalDelivery: 'mx' },
      authentication: { enabled: false },
    },
    advanced: { inbound: { maxConnectionsPerAddress: 5 } },
    hosts: { localDelivery: [host('10.0.0.5'), host('10.0.0.6')] },
    withDomains: ['outbound'],
  },
  'outbound-and-ldap': {
    smtp: {
      mailFiltering: 'outbound',
      outbound: { ipv4: { address: '192.0.2.10' } },
      authentication: {
        enabled: true,
        ipv4: { address: '192.0.2.10', port: 587 },
        source: { type: 'ldap' },
      },
    },
    advanced: { authentication: { insertReceivedHeader: false } },
  },
};
