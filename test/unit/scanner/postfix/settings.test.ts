import { describe, expect, it } from 'vitest';
import { renderPostfix } from '../../../../scanner/postfix/render/render.ts';
import { defaultAdvanced } from '../../../../shared/schemas/advanced.ts';
import type { SmtpSettingsInput } from '../../../../shared/schemas/smtp.ts';
import {
  authoritiesPem,
  certificateId,
  chainPem,
  host,
  inputOf,
  keyPem,
  refusedAt,
  rendered,
  type Sample,
} from './inputs.ts';
import { mainOf, masterOf } from './parsed.ts';

const address = '192.0.2.10';
const listening = `${address}:25`;
const inbound = (more: object = {}): SmtpSettingsInput => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address }, ...more },
});
const outbound = (more: object = {}): SmtpSettingsInput => ({
  mailFiltering: 'outbound',
  outbound: { ipv4: { address }, ...more },
});
const authenticated = (more: object = {}): SmtpSettingsInput => ({
  ...outbound(),
  authentication: { enabled: true, ipv4: { address, port: 587 }, source: { type: 'ldap' }, ...more },
});
const both = (more: { inbound?: object; outbound?: object } = {}): SmtpSettingsInput => ({
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: { address }, ...more.inbound },
  outbound: { ipv4: { address: '192.0.2.11' }, ...more.outbound },
});

const main = (sample: Sample) => mainOf(rendered(sample));
const services = (sample: Sample) => masterOf(rendered(sample));
const service = (sample: Sample, name = listening) => services(sample)[name];
const overrides = (sample: Sample, name = listening) => service(sample, name)?.overrides ?? {};
const rules = (sample: Sample) => rendered(sample).guard.rules;

describe('listeners', () => {
  it('are a service each, named by address and port', () => {
    const smtp = inbound({ ipv6: { address: '2001:db8::10', port: 2525 } });
    const named = Object.keys(services({ smtp })).filter((name) => name.includes(':'));
    expect(named).toEqual([listening, '[2001:db8::10]:2525']);
  });

  it('ask the guard by their own name and version', () => {
    expect(overrides({ smtp: inbound() })['smtpd_policy_service_policy_context']).toBe(
      'inbound-ipv4@17-0a1b2c3d',
    );
  });

  it('that inbound and outbound share are one, which asks outbound first and has the TLS of inbound', () => {
    const shared = both({
      inbound: { tls: { accept: true, certificateId } },
      outbound: { ipv4: { address } },
    });
    const { guard } = rendered({ smtp: shared });
    expect(guard.listeners).toEqual({
      'shared-ipv4': {
        address,
        port: 25,
        directions: ['outbound', 'inbound'],
        tlsRequired: false,
        clientCertificate: 'none',
      },
    });
    expect(overrides({ smtp: shared })).toMatchObject({ smtpd_tls_security_level: 'may' });
    expect(overrides({ smtp: shared })).not.toHaveProperty('content_filter');
  });

  it('that are disabled do not exist', () => {
    const smtp = authenticated({ enabled: false });
    expect(Object.keys(rendered({ smtp }).guard.listeners)).toEqual(['outbound-ipv4']);
    expect(rendered({ smtp }).guard.source).toBeNull();
  });
});

describe('TLS', () => {
  const tls = (more: object = {}): Sample => ({
    smtp: inbound({ tls: { accept: true, certificateId, ...more } }),
  });

  it('is not offered where it is off', () => {
    expect(main({ smtp: inbound() })['smtpd_tls_security_level']).toBe('none');
    expect(Object.keys(overrides({ smtp: inbound() })).filter((name) => name.includes('tls'))).toEqual([]);
  });

  it('is offered with key and chain of the certificate, in one file for root alone', () => {
    expect(overrides(tls())).toMatchObject({ smtpd_tls_security_level: 'may', smtpd_tls_auth_only: 'no' });
    const path =
      overrides(tls())['smtpd_tls_chain_files']?.replace('/scanner/versions/17-0a1b2c3d/', '') ?? '';
    expect(rendered(tls()).files[path]).toEqual({ text: keyPem + chainPem, secret: true });
  });

  it('is required of every client, and AUTH waits for it', () => {
    expect(overrides(tls({ require: true }))).toMatchObject({
      smtpd_tls_security_level: 'encrypt',
      smtpd_tls_auth_only: 'yes',
    });
  });

  it.each([
    'request',
    'require',
  ] as const)('asks for certificates of clients, which the guard judges: %s', (mode) => {
    const sample = tls({ require: true, clientCertificate: mode });
    expect(overrides(sample)).toMatchObject({
      smtpd_tls_ask_ccert: 'yes',
      smtpd_tls_CAfile: '/scanner/versions/17-0a1b2c3d/tls/client-authorities.pem',
      tls_ssl_options: 'NO_TICKET',
    });
    const { guard, files } = rendered(sample);
    expect(guard.listeners['inbound-ipv4']).toMatchObject({ tlsRequired: true, clientCertificate: mode });
    expect(files['tls/client-authorities.pem']?.text).toBe(authoritiesPem);
  });
});

describe('who may connect', () => {
  it.each([
    [inbound(), 'inbound', 'all'],
    [inbound({ accept: 'listed' }), 'inbound', 'listed'],
    [outbound(), 'outbound', 'listed'],
    [authenticated(), 'authentication', 'all'],
    [authenticated({ accept: 'listed' }), 'authentication', 'listed'],
  ] as const)('is what the guard is told: %#', (smtp, way, accept) => {
    expect(rules({ smtp })[way]?.accept).toBe(accept);
  });

  it.each([
    ['no list with domains decides', outbound(), [], 'no'],
    ['a list with domains decides', outbound(), ['outbound'], 'yes'],
    ['the list with domains is not asked', inbound(), ['inbound'], 'no'],
    ['the list with domains is asked', inbound({ accept: 'listed' }), ['inbound'], 'yes'],
  ] as const)('is asked of DNS: %s', (_, smtp, withDomains, expected) => {
    expect(overrides({ smtp, withDomains: [...withDomains] })['smtpd_peername_lookup']).toBe(expected);
  });
});

describe('inbound mail', () => {
  it('goes to the local-delivery hosts and nowhere else, by preference', () => {
    const hosts = {
      localDelivery: [
        host('backup.example.net', { preference: 20, mxLookup: true }),
        host('10.0.0.5', { port: 2525, preference: 5 }),
      ],
    };
    const sample = { smtp: inbound(), hosts };
    expect(overrides(sample)['content_filter']).toBe('internal:');
    expect(main(sample)).toMatchObject({
      guard_inbound: 'check_client_access pipemap:{randmap:{1}, inline:{{1 = FILTER internal:}}}, permit',
      default_filter_nexthop: '[10.0.0.5]:2525, backup.example.net:25',
    });
  });

  it('has hosts of one preference in every order in which one of them is first', () => {
    const hosts = { localDelivery: [host('10.0.0.5'), host('10.0.0.6')] };
    expect(main({ smtp: inbound(), hosts })['guard_inbound']).toContain(
      'randmap:{1, 2}, inline:{{1 = FILTER internal:[10.0.0.5]:25, [10.0.0.6]:25}, {2 = FILTER internal:[10.0.0.6]:25, [10.0.0.5]:25}}',
    );
  });

  it.each([
    ['there is no host', { smtp: inbound(), hosts: { localDelivery: [] } }],
    ['none is taken any more', { smtp: outbound() }],
  ])('that waits where %s never goes to the domain of its recipient', (_, sample) => {
    expect(main(sample)['default_filter_nexthop']).toBe('[255.255.255.255]:25');
    expect(services(sample)).not.toHaveProperty('internal');
  });

  it('that is requeued waits, as its filter is lost', () => {
    expect(service({ smtp: inbound() }, 'pickup')?.overrides['content_filter']).toMatch(/^retry:4\.3\.0 /);
  });

  it('is refused where there is no host for it', () => {
    const sample = { smtp: inbound(), hosts: { localDelivery: [] } };
    expect(main(sample)['guard_inbound']).toBe(
      'check_client_access static:{554 5.3.5 This host has no place to deliver mail to}',
    );
    expect(services(sample)).not.toHaveProperty('internal');
  });

  it('is taken only by a verdict of the guard: whatever else it says is deferred', () => {
    expect(main({ smtp: inbound() })['smtpd_relay_restrictions']).toBe(
      'check_policy_service unix:/scanner/guard/policy, defer',
    );
    expect(main({ smtp: inbound() })['smtpd_restriction_classes']).toBe('guard_inbound');
  });
});

describe('listeners for strangers', () => {
  const discarded = 'smtpd_discard_ehlo_keywords';

  it('offer no delivery notices, and others do', () => {
    expect(overrides({ smtp: inbound() })[discarded]).toBe('silent-discard, dsn, etrn');
    expect(overrides({ smtp: both({ outbound: { ipv4: { address } } }) })[discarded]).toBe(
      'silent-discard, dsn, etrn',
    );
    expect(overrides({ smtp: outbound() })).not.toHaveProperty(discarded);
  });
});

describe('outbound mail', () => {
  it.each([
    ['mx', undefined],
    ['relay', 'dns, native'],
  ] as const)("asks the host's own tables only for hosts of the settings: %s", (nonLocalDelivery, lookup) => {
    const sample = { smtp: both({ outbound: { nonLocalDelivery } }), hosts: { relay: [host('relay')] } };
    expect(service(sample, 'external')?.overrides['smtp_host_lookup']).toBe(lookup);
    expect(service(sample, 'internal')?.overrides['smtp_host_lookup']).toBe('dns, native');
    expect(main(sample)).not.toHaveProperty('smtp_host_lookup');
  });

  it('goes by MX lookup', () => {
    expect(main({ smtp: outbound() })).toMatchObject({
      default_transport: 'external:',
      sender_dependent_default_transport_maps: '',
      guard_outbound: 'permit',
    });
  });

  it('goes to the relay hosts by preference, with MX lookup or without', () => {
    const hosts = { relay: [host('b.example.net', { mxLookup: true }), host('10.0.0.9', { preference: 1 })] };
    expect(main({ smtp: outbound({ nonLocalDelivery: 'relay' }), hosts })['default_transport']).toBe(
      'external:[10.0.0.9]:25, b.example.net:25',
    );
  });

  it('is shared among relay hosts of one preference, bounces among it', () => {
    const hosts = { relay: [host('10.0.0.8'), host('10.0.0.9')] };
    const maps = main({ smtp: outbound({ nonLocalDelivery: 'relay' }), hosts });
    expect(maps['sender_dependent_default_transport_maps']).toBe(
      'pipemap:{randmap:{1, 2}, inline:{{1 = external:[10.0.0.8]:25, [10.0.0.9]:25}, {2 = external:[10.0.0.9]:25, [10.0.0.8]:25}}}',
    );
  });

  it('to a domain that the settings call local goes to the local-delivery hosts', () => {
    const advanced = { outbound: { defaultSenderDomain: 'example.org' } };
    expect(main({ smtp: both(), advanced })['transport_maps']).toBe(
      'pipemap:{inline:{{example.org = x}}, randmap:{1}, inline:{{1 = internal:[10.0.0.5]:25}}}',
    );
    expect(main({ smtp: outbound(), advanced })['transport_maps']).toBe('');
  });
});

describe('authentication', () => {
  it('asks the guard by the protocol of Dovecot, and says which version it is', () => {
    expect(overrides({ smtp: authenticated() }, `${address}:587`)).toMatchObject({
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sasl_type: 'dovecot',
      smtpd_sasl_path: 'unix:/scanner/guard/auth',
      smtpd_sasl_service: 'authentication-ipv4@17-0a1b2c3d',
    });
    expect(main({ smtp: authenticated() })['guard_authentication']).toBe('permit_sasl_authenticated, reject');
  });

  it('is offered on no other listener', () => {
    expect(overrides({ smtp: authenticated() })).not.toHaveProperty('smtpd_sasl_auth_enable');
  });

  it.each([
    { type: 'ldap' },
    { type: 'smtp-forwarding', host: 'auth.example.com', port: 465, tls: 'required' },
  ] as const)('is by the source that the guard is told: $type', (source) => {
    expect(rendered({ smtp: authenticated({ source }) }).guard.source).toEqual(source);
  });
});

describe('advanced settings of listeners', () => {
  it.each(['inbound', 'outbound', 'authentication'] as const)('are limits of their own: %s', (way) => {
    const limits = {
      maxConnections: 11,
      maxConnectionsPerAddress: 12,
      maxRecipientsPerMessage: 13,
      maxMessageBytes: 2048,
      maxConnectionsPerRange: 14,
      ipv6Prefix: 48,
      maxMessagesPerSession: 15,
    };
    const smtp = { inbound: inbound(), outbound: outbound(), authentication: authenticated() }[way];
    const sample = { smtp, advanced: { [way]: limits } };
    const own = service(sample, way === 'authentication' ? `${address}:587` : listening);
    expect(own).toMatchObject({
      processes: '11',
      overrides: {
        smtpd_client_connection_count_limit: '12',
        smtpd_recipient_limit: '13',
        message_size_limit: '2048',
      },
    });
    expect(rules(sample)[way]).toMatchObject({
      maxConnections: 11,
      maxConnectionsPerAddress: 12,
      maxConnectionsPerRange: 14,
      ipv6Prefix: 48,
      maxMessagesPerSession: 15,
    });
  });

  it('together are those of a shared listener', () => {
    const smtp = both({ outbound: { ipv4: { address } } });
    const advanced = {
      inbound: { maxConnections: 10, maxConnectionsPerAddress: 3 },
      outbound: { maxConnections: 20, maxConnectionsPerAddress: 4 },
    };
    expect(service({ smtp, advanced })).toMatchObject({
      processes: '30',
      overrides: { smtpd_client_connection_count_limit: '4' },
    });
  });

  it.each([
    [true, [5, 7]],
    [false, [5]],
  ])('defer while queues are full, that of delivery only where it is wanted: %s', (deferWhenQueueFull, limits) => {
    const advanced = {
      inbound: { maxQueuedMessages: 5 },
      delivery: { maxQueuedMessages: 7, deferWhenQueueFull },
    };
    expect(rules({ smtp: inbound(), advanced }).inbound?.queueLimits.map(({ max }) => max)).toEqual(limits);
  });

  it('hold authenticated mail to the queue and the quota of outbound mail', () => {
    const quota = { maxRecipients: 9, minutes: 60 };
    const advanced = { outbound: { maxQueuedMessages: 6, senderRecipientQuota: quota } };
    const told = rules({ smtp: authenticated(), advanced });
    expect(told.authentication).toMatchObject({ senderRecipientQuota: quota });
    expect(told.authentication?.queueLimits[0]).toEqual({ folders: ['incoming'], max: 6 });
    expect(rules({ smtp: both(), advanced }).inbound?.senderRecipientQuota).toBeNull();
  });

  it.each([
    [null, 'refuse', 'mx1.example.com'],
    ['example.org', 'complete', 'example.org'],
  ] as const)('complete a sender without a domain, or refuse it: %s', (defaultSenderDomain, bareSender, myorigin) => {
    const sample = { smtp: both(), advanced: { outbound: { defaultSenderDomain } } };
    expect(rules(sample).outbound?.bareSender).toBe(bareSender);
    expect(rules(sample).inbound?.bareSender).toBe('refuse');
    expect(main(sample)['myorigin']).toBe(myorigin);
  });
});

describe('delivery', () => {
  it.each([
    [{ minRetryMinutes: 3 }, { queue_run_delay: '3m', minimal_backoff_time: '3m' }],
    [{ minRetryMinutes: 15 }, { queue_run_delay: '5m', minimal_backoff_time: '15m' }],
    [{ maxRetryMinutes: 600 }, { maximal_backoff_time: '600m' }],
    [{ messageTimeoutHours: 7 }, { maximal_queue_lifetime: '7h' }],
    [{ bounceTimeoutHours: 8 }, { bounce_queue_lifetime: '8h' }],
    [{ delayNotificationHours: 0 }, { delay_warning_time: '0h' }],
    [{ opportunisticTls: true }, { smtp_tls_security_level: 'may' }],
    [{ opportunisticTls: false }, { smtp_tls_security_level: 'none' }],
    [{ maxMessagesPerConnection: 5 }, { smtp_connection_cache_on_demand: 'no' }],
    [
      { maxRecipientsPerMessage: 4 },
      { internal_destination_recipient_limit: '4', external_destination_recipient_limit: '4' },
    ],
  ])('has %o as %o', (delivery, expected) => {
    expect(main({ smtp: inbound(), advanced: { delivery } })).toMatchObject(expected);
  });

  it('has as many connections in all as may go to one address', () => {
    const delivery = { maxExternalConnectionsPerAddress: 7, maxInternalConnectionsPerServer: 6 };
    const all = services({ smtp: both(), advanced: { delivery } });
    expect([all['external']?.processes, all['internal']?.processes]).toEqual(['7', '6']);
  });

  it('divides them among the addresses that mail comes from', () => {
    const domains = [{ domain: 'example.org', sources: ['192.0.2.21', '192.0.2.22'] }];
    const advanced = { delivery: { maxExternalConnectionsPerAddress: 8 }, bindings: { domains } };
    const all = services({ smtp: outbound(), advanced });
    expect(['external', 'external_2', 'external_3'].map((name) => all[name]?.processes)).toEqual([
      '4',
      '2',
      '2',
    ]);
  });
});

describe('bindings', () => {
  const bound = (bindings: object, name: string, smtp = both()) =>
    overrides({ smtp, advanced: { bindings } }, name);

  it.each([
    ['auto', {}],
    ['192.0.2.20', { inet_protocols: 'ipv4', smtp_bind_address: '192.0.2.20' }],
    ['2001:DB8::20', { inet_protocols: 'ipv6', smtp_bind_address6: '2001:db8::20' }],
    ['outbound', { inet_protocols: 'ipv4', smtp_bind_address: '192.0.2.11' }],
  ])('of non-local mail: %s', (nonLocal, expected) => {
    expect(bound({ nonLocal }, 'external')).toEqual({ syslog_name: 'postfix/external', ...expected });
  });

  it('have both addresses of a listener that has both', () => {
    const smtp = both({ inbound: { ipv6: { address: '2001:db8::10' } } });
    expect(bound({ local: 'inbound' }, 'internal', smtp)).toMatchObject({
      inet_protocols: 'ipv4, ipv6',
      smtp_bind_address: address,
      smtp_bind_address6: '2001:db8::10',
    });
  });

  it('never let a connection go out from elsewhere', () => {
    expect(main({ smtp: inbound() })['smtp_bind_address_enforce']).toBe('yes');
  });

  it('of a domain hold for its senders, one of several by chance, with the relay hosts that all have', () => {
    const domains = [{ domain: 'example.org', sources: ['192.0.2.21', 'auto'] }];
    const sample = {
      smtp: outbound({ nonLocalDelivery: 'relay' }),
      advanced: { bindings: { domains } },
      hosts: { relay: [host('10.0.0.9')] },
    };
    expect(main(sample)['sender_dependent_default_transport_maps']).toBe(
      'pipemap:{inline:{{@example.org = x}}, randmap:{1, 2}, inline:{{1 = external_2:[10.0.0.9]:25}, {2 = external:[10.0.0.9]:25}}}',
    );
  });

  it('of domains mean nothing where no mail goes out', () => {
    const domains = [{ domain: 'example.org', sources: ['outbound'] }];
    expect(main({ smtp: inbound(), advanced: { bindings: { domains } } })['transport_maps']).toBe('');
  });
});

describe('Received headers of authenticated mail', () => {
  const smtp = authenticated();
  it.each([
    [true, false, undefined],
    [false, false, '/^Received:.*\\(00112233445566778899aabbccddeeff\\)/ IGNORE\n'],
    [
      true,
      true,
      'if !/\\(00112233445566778899aabbccddeeff\\)/\n/^Received:/ IGNORE\nendif\n/^(Received:.*\\()00112233445566778899aabbccddeeff(\\).*)$/ REPLACE $(1)Postfix$(2)\n',
    ],
  ])('are inserted: %s, stripped: %s', (insertReceivedHeader, stripReceivedHeaders, expected) => {
    const sample = { smtp, advanced: { authentication: { insertReceivedHeader, stripReceivedHeaders } } };
    expect(rendered(sample).files['received.regexp']?.text).toBe(expected);
    expect(overrides(sample, `${address}:587`)['cleanup_service_name']).toBe(
      expected === undefined ? undefined : 'cleanup_authentication',
    );
  });

  it('of other mail stay as they are', () => {
    const sample = { smtp, advanced: { authentication: { stripReceivedHeaders: true } } };
    expect(overrides(sample)).not.toHaveProperty('cleanup_service_name');
  });
});

describe('what cannot be honoured', () => {
  const relayed = (count: number, preference: (index: number) => number) => ({
    smtp: outbound({ nonLocalDelivery: 'relay' as const }),
    hosts: {
      relay: Array.from({ length: count }, (_, index) =>
        host(`10.0.${index}.1`, { preference: preference(index) }),
      ),
    },
  });
  const bindings = (given: object, smtp = both()): Sample => ({ smtp, advanced: { bindings: given } });
  const domains = [{ domain: 'example.org', sources: ['192.0.2.21', '192.0.2.22'] }];

  it.each<[string, Sample, string]>([
    [
      'a binding of mail that there is none of',
      bindings({ controlPlane: '192.0.2.20' }),
      '/advanced/bindings/controlPlane',
    ],
    [
      'mail routed by other rules',
      bindings({ dynamicallyRouted: 'inbound' }),
      '/advanced/bindings/dynamicallyRouted',
    ],
    [
      'a listener that the mode has not',
      bindings({ nonLocal: 'outbound' }, inbound()),
      '/advanced/bindings/nonLocal',
    ],
    ['IPv6 to an IPv4 host', bindings({ local: '2001:db8::20' }), '/advanced/bindings/local'],
    [
      'more sources than connections',
      {
        smtp: outbound(),
        advanced: { bindings: { domains }, delivery: { maxExternalConnectionsPerAddress: 2 } },
      },
      '/advanced/delivery/maxExternalConnectionsPerAddress',
    ],
    [
      'two sizes at a shared listener',
      { smtp: both({ outbound: { ipv4: { address } } }), advanced: { inbound: { maxMessageBytes: 2048 } } },
      '/advanced/outbound/maxMessageBytes',
    ],
    [
      'relaying without a host',
      { smtp: outbound({ nonLocalDelivery: 'relay' }) },
      '/outbound/nonLocalDelivery',
    ],
    ['too many equal hosts', relayed(65, () => 10), '/outbound/nonLocalDelivery'],
    ['too many hosts', relayed(150, (index) => index), '/outbound/nonLocalDelivery'],
    [
      'a certificate that is not there',
      { smtp: inbound({ tls: { accept: true, certificateId } }), artifacts: new Map() },
      '/inbound/tls/certificateId',
    ],
    [
      'an artifact that holds nothing of use',
      { smtp: inbound(), artifacts: new Map([[certificateId, '{"certificatePem":"","privateKeyPem":""}']]) },
      `/artifacts/${certificateId}`,
    ],
  ])('is refused with a pointer: %s', (_, sample, pointer) => {
    expect(refusedAt(sample)).toEqual([pointer]);
  });

  it('does not hold for neighbours that just can', () => {
    expect(refusedAt(relayed(64, () => 10))).toEqual([]);
    expect(refusedAt(relayed(100, (index) => index))).toEqual([]);
    expect(
      refusedAt({
        smtp: outbound(),
        advanced: { bindings: { domains }, delivery: { maxExternalConnectionsPerAddress: 3 } },
      }),
    ).toEqual([]);
  });

  it.each([
    inbound(),
    outbound(),
    both(),
    both({ outbound: { ipv4: { address } } }),
    authenticated(),
  ])('is nothing of the advanced settings that nobody changed: %#', (smtp) => {
    expect(refusedAt({ smtp, advanced: defaultAdvanced() })).toEqual([]);
  });

  it('is no fault of a place that Postfix cannot have: that throws', () => {
    const input = inputOf({ smtp: inbound(), place: { folder: '/with space' } });
    expect(() => renderPostfix(input)).toThrow('"/with space" cannot be the folder');
  });
});
