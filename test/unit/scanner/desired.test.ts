import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDesired } from '../../../scanner/desired.ts';
import {
  advancedDesired,
  anyPair,
  desired,
  digestOf,
  pair,
  root,
  shadowOutboundTls,
  shadowTls,
  wholeDesired,
} from './documents.ts';

const refusal = (smtp: unknown, advanced: unknown = advancedDesired()) => {
  const reading = readDesired({ smtp, advanced });
  return 'refusal' in reading ? reading.refusal : undefined;
};

const relaying = wholeDesired({
  outbound: { ipv4: { address: '192.0.2.11', port: 25 }, tls: shadowOutboundTls, nonLocalDelivery: 'relay' },
});

describe('a desired document', () => {
  it('that the publisher makes is taken as it is', () => {
    fc.assert(
      fc.property(anyPair, (both) => {
        expect(readDesired(both)).toEqual({ revision: both.smtp.revision, desired: both });
      }),
    );
  });

  it('with a disabled authentication section needs no listener and no list', () => {
    const document = wholeDesired({ authentication: { enabled: false } });
    delete document.lists.authentication;
    expect(refusal(document)).toBeUndefined();
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty one', {}],
    ['text', 'revision 7'],
    ['a revision of zero', { ...desired(), revision: 0 }],
    ['a revision that is no whole number', { ...desired(), revision: 1.5 }],
    ['a revision that is text', { ...desired(), revision: '7' }],
  ])('without a revision that can be told is nothing: %s', (_, document) => {
    expect(readDesired({ smtp: document, advanced: advancedDesired() })).toEqual({ revision: null });
  });

  it.each([
    ['/mailFiltering', { ...desired(), mailFiltering: 'both' }],
    ['/mailFiltering', { ...desired(), mailFiltering: undefined }],
    ['/lists', { ...desired(), lists: undefined }],
    ['/advanced', { ...desired(), advanced: undefined }],
    ['/advanced', desired({ advanced: 'none' })],
    ['/inbound/tls/require', { ...desired(), inbound: { ...desired().inbound, tls: { accept: true } } }],
    ['/artifacts/client-authorities', desired({ artifacts: { 'client-authorities': 'none' } })],
    ['/lists/inbound/root', desired({ lists: { inbound: { root: 'A'.repeat(64), entries: 1 } } })],
    ['/lists/inbound/entries', desired({ lists: { inbound: { root: root('a'), entries: -1 } } })],
    ['/lists/inbound', desired({ lists: {} })],
    ['/lists/relay', relaying],
    ['/lists/outbound', wholeDesired({ lists: { authentication: { root: root('c'), entries: 1 } } })],
    ['/lists/authentication', wholeDesired({ lists: { outbound: { root: root('b'), entries: 1 } } })],
    ['/inbound', { ...desired(), inbound: undefined }],
    [
      '/inbound/accept',
      { ...desired(), inbound: { ipv4: { address: '192.0.2.10', port: 25 }, tls: shadowTls } },
    ],
    ['/inbound/ipv4', { ...desired(), inbound: { tls: shadowTls, accept: 'listed' } }],
    [
      '/inbound/ipv4/port',
      desired({
        inbound: { ipv4: { address: '192.0.2.10', port: 70_000 }, tls: shadowTls, accept: 'listed' },
      }),
    ],
    [
      '/inbound/ipv4/address',
      desired({ inbound: { ipv4: { address: '192.0.2', port: 25 }, tls: shadowTls, accept: 'listed' } }),
    ],
    [
      '/outbound',
      desired({
        outbound: {
          ipv4: { address: '192.0.2.10', port: 25 },
          tls: shadowOutboundTls,
          nonLocalDelivery: 'mx',
        },
      }),
    ],
    ['/authentication/ipv4', wholeDesired({ authentication: { enabled: true, accept: 'all' } })],
    [
      '/authentication/ipv4',
      wholeDesired({ authentication: { enabled: true, ipv4: { address: '192.0.2.10', port: 25 } } }),
    ],
  ])('that can never work is refused at %s', (pointer, document) => {
    expect(refusal(document)).toMatchObject({ pointer });
  });

  it.each([
    ['/advance', { ...desired(), advance: root('d') }],
    [
      '/inbound/tls/ciphers',
      { ...desired(), inbound: { ...desired().inbound, tls: { ...shadowTls, ciphers: 'all' } } },
    ],
    ['/artifacts/dkim-keys', desired({ artifacts: { 'dkim-keys': root('e') } })],
    ['/artifacts/..~1..~1x', desired({ artifacts: { '../../x': root('e') } })],
    ['/artifacts/cert-1', desired({ artifacts: { 'cert-1': root('e') } })],
    ['/artifacts/constructor', desired({ artifacts: { constructor: root('e') } as never })],
    [
      '/lists/forward',
      { ...desired(), lists: { ...desired().lists, forward: { root: root('e'), entries: 1 } } },
    ],
    ['/a~1b~0', { ...desired(), 'a/b~': 1 }],
  ])('with a member that this Scanner does not know is refused at %s', (pointer, document) => {
    expect(refusal(document)?.pointer).toBe(pointer);
    expect(refusal(document)?.message).toMatch(/does not know/);
  });

  it('with several faults names the first and counts the others', () => {
    const document = wholeDesired({ lists: {} });
    expect(refusal(document)).toMatchObject({ pointer: '/lists/outbound' });
    expect(refusal(document)?.message).toMatch(/\(1 more\)$/);
  });
});

const certificate = 'cert-0123456789abcdef';
const held = { [certificate]: root('1'), 'client-authorities': root('2'), 'directory-sources': root('3') };
const without = (name: string) =>
  Object.fromEntries(Object.entries(held).filter(([artifact]) => artifact !== name));

/** Everything that can need an artifact needs one. */
const needy = (artifacts: Record<string, string>) => {
  const tls = { accept: true, certificateId: certificate, require: true, clientCertificate: 'require' };
  const whole = wholeDesired({ artifacts });
  return {
    ...whole,
    inbound: { ...whole.inbound, tls },
    outbound: { ...whole.outbound, tls: { accept: true, certificateId: certificate } },
    authentication: { ...whole.authentication, tls: { ...tls, clientCertificate: 'request' } },
  };
};

describe('a configuration that needs artifacts', () => {
  it('is taken when it names them', () => {
    expect(refusal(needy(held))).toBeUndefined();
  });

  it.each([
    ['/inbound/tls/certificateId', certificate, 3],
    ['/inbound/tls/clientCertificate', 'client-authorities', 2],
    ['/authentication/source', 'directory-sources', 1],
  ])('is refused at %s without %s', (pointer, name, times) => {
    const refused = refusal(needy(without(name)));
    expect(refused?.pointer).toBe(pointer);
    expect(refused?.message).toContain(`"${name}"`);
    if (times > 1) expect(refused?.message).toMatch(new RegExp(`\\(${times - 1} more\\)$`));
  });

  it('is refused when it names none at all', () => {
    const { artifacts: _, ...document } = needy(held);
    expect(refusal(document)?.pointer).toBe('/inbound/tls/certificateId');
  });

  it('needs none of a section whose rules do not apply', () => {
    const authentication = { ...needy(held).authentication, enabled: false };
    const artifacts = without('directory-sources');
    expect(refusal({ ...needy(artifacts), authentication })).toBeUndefined();
  });
});

describe('the advanced settings of a configuration', () => {
  const changed = advancedDesired({ delivery: { minRetryMinutes: 5 } });

  it.each([
    ['nothing', undefined],
    ['text', 'x'],
    ['of another revision', changed],
    ['with one member less', { ...advancedDesired(), bindings: undefined }],
    ['with one member more', { ...advancedDesired(), more: 1 }],
  ])('are waited for while they are %s', (_, advanced) => {
    expect(readDesired({ smtp: desired(), advanced })).toEqual({ revision: 7, awaiting: desired() });
  });

  it('are not waited for where the settings alone can never work', () => {
    expect(refusal(desired({ lists: {} }), undefined)).toMatchObject({ pointer: '/lists/inbound' });
  });

  it('are known by their digest, in whatever order their members are', () => {
    const { inbound, ...rest } = changed;
    const advanced = { ...rest, inbound: Object.fromEntries(Object.entries(inbound).reverse()) };
    const both = pair(desired(), changed);
    expect(readDesired({ smtp: both.smtp, advanced })).toEqual({ revision: 7, desired: both });
  });

  const section = (name: 'inbound' | 'outbound' | 'delivery' | 'bindings', more: object) => ({
    ...advancedDesired(),
    [name]: { ...advancedDesired()[name], ...more },
  });
  const { maxConnections: _, ...incomplete } = advancedDesired().inbound;

  it.each([
    ['/advanced/routing', 'does not know', { ...advancedDesired(), routing: {} }],
    ['/advanced/inbound/tarpit', 'does not know', section('inbound', { tarpit: 5 })],
    ['/advanced/bindings/domains', 'does not know', section('bindings', { domains: [] })],
    ['/advanced/outbound/senderRecipientQuota', '', section('outbound', { senderRecipientQuota: 5 })],
    ['/advanced/delivery/minRetryMinutes', '', section('delivery', { minRetryMinutes: 0 })],
    ['/advanced/delivery/minRetryMinutes', 'above', section('delivery', { minRetryMinutes: 421 })],
    ['/advanced/bindings/local', 'address', section('bindings', { local: '192.0.2' })],
    ['/advanced/inbound/maxConnections', 'missing', { ...advancedDesired(), inbound: incomplete }],
    ['/advanced/delivery/maxExternalConnections', 'missing', { ...advancedDesired(), delivery: undefined }],
  ])('that can never work are refused at %s: %s', (pointer, message, document) => {
    const advanced = JSON.parse(JSON.stringify(document)) as object;
    const refused = refusal(desired({ advanced: digestOf(advanced) }), advanced);
    expect(refused?.pointer).toBe(pointer);
    expect(refused?.message).toContain(message);
  });
});
