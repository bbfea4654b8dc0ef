import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalSettings,
  emptyListVerdict,
  readOnlyWarnings,
  sectionsGone,
  settingsProblems,
} from '../../../shared/domain/settings.ts';
import type { ListReferences } from '../../../shared/schemas/lists.ts';
import { noOutboundTls, noTls, type SmtpSettings, smtpSettings } from '../../../shared/schemas/smtp.ts';

const listener = (address: string, port = 25) => ({ address, port });
const inbound = { ipv4: listener('192.0.2.1') };
const outbound = { ipv4: listener('192.0.2.1', 26) };
const both = { mailFiltering: 'inbound-and-outbound', inbound, outbound };

const codes = (body: unknown) => settingsProblems(body).map(({ code, pointer }) => `${code} ${pointer}`);

describe('sections follow the mode', () => {
  const cases: [string, object, string[]][] = [
    ['inbound with its section', { mailFiltering: 'inbound', inbound }, []],
    ['inbound without', { mailFiltering: 'inbound' }, ['SECTION_REQUIRED /inbound']],
    [
      'inbound with outbound',
      { mailFiltering: 'inbound', inbound, outbound },
      ['SECTION_NOT_IN_MODE /outbound'],
    ],
    [
      'inbound with authentication, even switched off',
      { mailFiltering: 'inbound', inbound, authentication: { enabled: false } },
      ['SECTION_NOT_IN_MODE /authentication'],
    ],
    ['outbound without authentication', { mailFiltering: 'outbound', outbound }, []],
    ['outbound without its section', { mailFiltering: 'outbound' }, ['SECTION_REQUIRED /outbound']],
    ['both with both', both, []],
    ['both with one', { ...both, outbound: undefined }, ['SECTION_REQUIRED /outbound']],
    ['a mode that is none', { mailFiltering: 'sideways', inbound }, []],
  ];

  it.each(cases)('%s', (_name, body, expected) => {
    expect(codes(body)).toEqual(expected);
  });
});

describe('listener addresses', () => {
  const cases: [string, object, string[]][] = [
    ['an IPv4 address', { ipv4: listener('198.51.100.1') }, []],
    ['a leading zero', { ipv4: listener('198.51.100.01') }, ['ADDRESS_INVALID /inbound/ipv4/address']],
    ['a name', { ipv4: listener('mx1') }, ['ADDRESS_INVALID /inbound/ipv4/address']],
    ['IPv6 where IPv4 belongs', { ipv4: listener('2001:db8::1') }, ['ADDRESS_INVALID /inbound/ipv4/address']],
    ['the unspecified address', { ipv4: listener('0.0.0.0') }, ['ADDRESS_INVALID /inbound/ipv4/address']],
    ['multicast', { ipv4: listener('224.0.0.1') }, ['ADDRESS_INVALID /inbound/ipv4/address']],
    ['loopback', { ipv4: listener('127.0.0.1') }, []],
    ['an IPv6 address', { ...inbound, ipv6: listener('2001:DB8::1') }, []],
    [
      'IPv4 where IPv6 belongs',
      { ...inbound, ipv6: listener('192.0.2.1') },
      ['ADDRESS_INVALID /inbound/ipv6/address'],
    ],
    ['a zone', { ...inbound, ipv6: listener('fe80::1%eth0') }, ['ADDRESS_INVALID /inbound/ipv6/address']],
    ['IPv6 multicast', { ...inbound, ipv6: listener('ff02::1') }, ['ADDRESS_INVALID /inbound/ipv6/address']],
    ['none for IPv6', { ...inbound, ipv6: null }, []],
  ];

  it.each(cases)('%s', (_name, section, expected) => {
    expect(codes({ mailFiltering: 'inbound', inbound: section })).toEqual(expected);
  });
});

describe('the authentication listener', () => {
  const source = { type: 'ldap' };
  const authentication = (more: object) => ({ ...both, authentication: { enabled: true, source, ...more } });

  it('needs an address and a source when it is enabled', () => {
    expect(codes(authentication({ source: undefined }))).toEqual([
      'REQUIRED /authentication/ipv4',
      'REQUIRED /authentication/source',
    ]);
    expect(codes({ ...both, authentication: { enabled: false } })).toEqual([]);
  });

  it('has a pair of its own, for each family, whatever the spelling', () => {
    expect(codes(authentication({ ipv4: listener('192.0.2.1', 25) }))).toEqual([
      'LISTENER_CONFLICT /authentication/ipv4',
    ]);
    expect(codes(authentication({ ipv4: listener('192.0.2.1', 26) }))).toEqual([
      'LISTENER_CONFLICT /authentication/ipv4',
    ]);
    expect(codes(authentication({ ipv4: listener('192.0.2.1', 587) }))).toEqual([]);
    expect(codes(authentication({ ipv4: listener('192.0.2.2', 25) }))).toEqual([]);
    const six = { ...both, inbound: { ...inbound, ipv6: listener('2001:db8::1') } };
    expect(
      codes({
        ...six,
        authentication: {
          enabled: true,
          source,
          ipv4: listener('192.0.2.9'),
          ipv6: listener('2001:DB8:0::1'),
        },
      }),
    ).toEqual(['LISTENER_CONFLICT /authentication/ipv6']);
  });

  it('takes the standard port for one that is not given', () => {
    const standard = { mailFiltering: 'outbound', outbound: { ipv4: { address: '192.0.2.1', port: 587 } } };

    expect(
      codes({ ...standard, authentication: { enabled: true, source, ipv4: { address: '192.0.2.1' } } }),
    ).toEqual(['LISTENER_CONFLICT /authentication/ipv4']);
  });

  it('conflicts with nobody while it is off', () => {
    expect(codes({ ...both, authentication: { enabled: false, ipv4: listener('192.0.2.1', 25) } })).toEqual(
      [],
    );
  });
});

it('inbound and outbound may share a listener', () => {
  expect(codes({ ...both, outbound: inbound })).toEqual([]);
});

it('anything that is no object has no problems of these rules', () => {
  for (const body of [null, 1, 'x', [], { inbound: 3 }, { authentication: [] }])
    expect(codes(body)).toEqual([]);
});

describe('the stored form', () => {
  const address = fc.constantFrom('192.0.2.1', '10.0.0.9');
  const address6 = fc.constantFrom('2001:DB8::0:1', '2001:db8:0:0:0:0:0:2', '::FFFF:192.0.2.1');
  const port = fc.integer({ min: 1, max: 65535 });
  const fullTls = {
    accept: true,
    certificateId: 'cert-0123456789abcdef',
    require: true,
    clientCertificate: 'request',
  };
  const pair = (of: fc.Arbitrary<string>) => fc.record({ address: of, port });
  const section = {
    ipv4: pair(address),
    ipv6: fc.option(pair(address6), { nil: null }),
    accept: fc.constantFrom('all', 'listed'),
    tls: fc.constantFrom(undefined, { accept: false }, fullTls, { ...fullTls, clientCertificate: 'require' }),
  };
  const source = fc.constantFrom(
    { type: 'ldap' },
    { type: 'smtp-forwarding', host: 'AUTH.Example.com.' },
    { type: 'smtp-forwarding', host: '2001:DB8::0:1', port: 2525, tls: 'required' },
  );
  const settings = fc.oneof(
    fc.record({ mailFiltering: fc.constant('inbound'), inbound: fc.record(section) }),
    fc.record({
      mailFiltering: fc.constant('outbound'),
      outbound: fc.record({
        ipv4: section.ipv4,
        ipv6: section.ipv6,
        tls: fc.constantFrom(undefined, { accept: true, certificateId: 'cert-0123456789abcdef' }),
        nonLocalDelivery: fc.constantFrom('mx', 'relay'),
      }),
      authentication: fc.option(fc.record({ ...section, source, enabled: fc.boolean() }), { nil: undefined }),
    }),
  );

  it('does not change when it is made again', () => {
    fc.assert(
      fc.property(settings, (body) => {
        const once = canonicalSettings(smtpSettings.parse(body));
        expect(canonicalSettings(smtpSettings.parse(structuredClone(once)))).toEqual(once);
      }),
    );
  });

  it('fills in defaults: ports, accept, no IPv6, no TLS, authentication off', () => {
    const body = smtpSettings.parse({
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: { address: '192.0.2.1' } },
      outbound: { ipv4: { address: '192.0.2.1' } },
    });

    expect(canonicalSettings(body)).toEqual({
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: { address: '192.0.2.1', port: 25 }, ipv6: null, tls: noTls, accept: 'all' },
      outbound: {
        ipv4: { address: '192.0.2.1', port: 25 },
        ipv6: null,
        tls: noOutboundTls,
        nonLocalDelivery: 'mx',
      },
      authentication: { enabled: false },
    });
  });

  it('has IPv6 in its short form', () => {
    const body = smtpSettings.parse({
      mailFiltering: 'inbound',
      inbound: { ...inbound, ipv6: { address: '2001:DB8:0:0:0:0:0:1' } },
    });

    expect(canonicalSettings(body).inbound?.ipv6).toEqual({ address: '2001:db8::1', port: 25 });
  });
});

describe('the source of authentication', () => {
  const asks = (source: unknown) =>
    codes({ ...both, authentication: { enabled: true, ipv4: listener('192.0.2.9'), source } });

  it.each([
    ['directories', { type: 'ldap' }, []],
    ['a name', { type: 'smtp-forwarding', host: 'auth.example.com' }, []],
    ['a name of one label', { type: 'smtp-forwarding', host: 'auth' }, []],
    ['an IPv4 address', { type: 'smtp-forwarding', host: '192.0.2.7' }, []],
    ['an IPv6 address', { type: 'smtp-forwarding', host: '2001:db8::7' }, []],
    [
      'a short address',
      { type: 'smtp-forwarding', host: '192.0.2' },
      ['HOST_INVALID /authentication/source/host'],
    ],
    [
      'a name with a space',
      { type: 'smtp-forwarding', host: 'a b' },
      ['HOST_INVALID /authentication/source/host'],
    ],
  ])('may be or not: %s', (_, source, expected) => {
    expect(asks(source)).toEqual(expected);
  });

  it('is stored in one form', () => {
    const source = { type: 'smtp-forwarding', host: 'AUTH.Example.com.' };
    const body = {
      mailFiltering: 'outbound',
      outbound,
      authentication: { enabled: true, ...inbound, source },
    };

    expect(canonicalSettings(smtpSettings.parse(body)).authentication?.source).toEqual({
      type: 'smtp-forwarding',
      host: 'auth.example.com',
      port: 25,
      tls: 'opportunistic',
    });
  });
});

describe('a list that decides and is empty', () => {
  const reference = (enabled: number) => ({ root: '0'.repeat(64), entries: enabled, enabled });
  const lists = (counts: Partial<Record<keyof ListReferences, number>> = {}): ListReferences => ({
    inbound: reference(counts.inbound ?? 0),
    outbound: reference(counts.outbound ?? 0),
    'local-delivery': reference(counts['local-delivery'] ?? 0),
    relay: reference(counts.relay ?? 0),
    authentication: reference(counts.authentication ?? 0),
  });
  const settings = (accept: 'all' | 'listed', enabled = true): SmtpSettings => ({
    mailFiltering: 'inbound-and-outbound',
    inbound: { ...inbound, ipv6: null, tls: noTls, accept },
    outbound: { ...outbound, ipv6: null, tls: noOutboundTls, nonLocalDelivery: 'mx' },
    authentication: { enabled, ipv4: listener('192.0.2.1', 587), accept },
  });
  const pointers = (found: { pointer: string; code: string }[]) =>
    found.map(({ code, pointer }) => `${code} ${pointer}`);

  it('is refused for inbound and authentication, and warned of for outbound', () => {
    const { problems, warnings } = emptyListVerdict(settings('listed'), lists(), []);

    expect(pointers(problems)).toEqual(['LIST_EMPTY /inbound/accept', 'LIST_EMPTY /authentication/accept']);
    expect(pointers(warnings)).toEqual(['LIST_EMPTY /outbound']);
  });

  it('is only warned of when that is acknowledged', () => {
    const { problems, warnings } = emptyListVerdict(settings('listed'), lists(), ['empty-list']);

    expect(problems).toEqual([]);
    expect(warnings).toHaveLength(3);
    expect(emptyListVerdict(settings('listed'), lists(), ['open-relay']).problems).toHaveLength(2);
  });

  it('does not matter while everyone is accepted, authentication is off, or an entry is enabled', () => {
    expect(emptyListVerdict(settings('all'), lists(), []).problems).toEqual([]);
    expect(pointers(emptyListVerdict(settings('listed', false), lists(), []).problems)).toEqual([
      'LIST_EMPTY /inbound/accept',
    ]);
    expect(
      emptyListVerdict(settings('listed'), lists({ inbound: 1, authentication: 1 }), []).problems,
    ).toEqual([]);
    expect(emptyListVerdict(null, lists(), []).problems).toEqual([]);
  });
});

it('read-only members are ignored, with a warning where they differ', () => {
  const stored = { revision: 4, updatedBy: 'x', lists: { inbound: {} } };

  expect(readOnlyWarnings({ revision: 4, lists: { inbound: {} }, warnings: [1] }, stored)).toEqual([]);
  const reordered = { lists: { a: { root: '1', entries: 2 } } };
  expect(readOnlyWarnings({ lists: { a: { entries: 2, root: '1' } } }, reordered)).toEqual([]);
  expect(readOnlyWarnings({ revision: 3, updatedBy: 'y' }, stored).map((warning) => warning.pointer)).toEqual(
    ['/revision', '/updatedBy'],
  );
});

describe('a section that goes with a save', () => {
  const stored = (body: unknown): SmtpSettings => canonicalSettings(smtpSettings.parse(body));
  const authentication = {
    enabled: true,
    ipv4: listener('192.0.2.1', 587),
    source: { type: 'smtp-forwarding', host: 'auth.example.com' },
  };
  const gone = (before: unknown, after: unknown) =>
    sectionsGone({ smtp: before === null ? null : stored(before), revision: 17 }, stored(after));

  it('is warned of, with the revision that still has it', () => {
    const warnings = gone({ ...both, authentication }, { mailFiltering: 'inbound', inbound });

    expect(warnings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'SECTION_GONE /outbound',
      'SECTION_GONE /authentication',
    ]);
    for (const { message } of warnings) expect(message).toMatch(/revision 17 has it/i);
  });

  it('is warned of where authentication comes to no more than that it is off', () => {
    expect(gone({ ...both, authentication }, both)).toMatchObject([{ pointer: '/authentication' }]);
    expect(
      gone({ ...both, authentication }, { ...both, authentication: { ...authentication, enabled: false } }),
    ).toEqual([]);
  });

  it('is nothing where it held nothing, or was not there', () => {
    expect(gone({ mailFiltering: 'outbound', outbound }, { mailFiltering: 'outbound', outbound })).toEqual(
      [],
    );
    expect(gone(null, both)).toEqual([]);
    expect(gone({ mailFiltering: 'inbound', inbound }, both)).toEqual([]);
    expect(gone(both, { mailFiltering: 'inbound', inbound })).toMatchObject([{ pointer: '/outbound' }]);
  });
});
