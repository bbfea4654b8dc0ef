import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDesired } from '../../../scanner/desired.ts';
import { anyDesired, desired, root, shadowOutboundTls, shadowTls, wholeDesired } from './documents.ts';

const refusal = (document: unknown) => {
  const reading = readDesired(document);
  return 'refusal' in reading ? reading.refusal : undefined;
};

const relaying = wholeDesired({
  outbound: { ipv4: { address: '192.0.2.11', port: 25 }, tls: shadowOutboundTls, nonLocalDelivery: 'relay' },
});

describe('a desired document', () => {
  it('that the publisher makes is taken as it is', () => {
    fc.assert(
      fc.property(anyDesired, (document) => {
        const reading = readDesired(document);
        expect(reading).toEqual({ revision: document.revision, desired: document });
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
    expect(readDesired(document)).toEqual({ revision: null });
  });

  it.each([
    ['/mailFiltering', { ...desired(), mailFiltering: 'both' }],
    ['/mailFiltering', { ...desired(), mailFiltering: undefined }],
    ['/lists', { ...desired(), lists: undefined }],
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
    ['/advanced', { ...desired(), advanced: root('d') }],
    ['/inbound/tls', { ...desired(), inbound: { ...desired().inbound, tls: { accept: true } } }],
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
