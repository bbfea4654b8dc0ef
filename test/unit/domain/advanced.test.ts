import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advancedProblems,
  advancedVerdict,
  canonicalAdvanced,
  patchedAdvanced,
} from '../../../shared/domain/advanced.ts';
import {
  type AdvancedSettingsInput,
  advancedSettings,
  defaultAdvanced,
} from '../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

const told = (found: { code: string; pointer: string }[]) =>
  found.map(({ code, pointer }) => `${code} ${pointer}`);
const codes = (body: unknown) => told(advancedProblems(body, defaultAdvanced()));

describe('the defaults of the advanced settings', () => {
  const { inbound, outbound, delivery, bindings, authentication } = defaultAdvanced();

  it.each([
    [
      'inbound',
      inbound,
      {
        maxConnections: 2000,
        maxConnectionsPerRange: 20,
        ipv6Prefix: 64,
        maxConnectionsPerAddress: 20,
        maxRecipientsPerMessage: 1024,
        maxMessagesPerSession: 100,
        maxMessageBytes: 10_485_760,
      },
    ],
    [
      'outbound',
      outbound,
      { ipv6Prefix: 128, maxQueuedMessages: 5000, defaultSenderDomain: null, senderRecipientQuota: null },
    ],
    [
      'delivery',
      delivery,
      {
        maxExternalConnections: 100,
        maxExternalConnectionsPerAddress: 50,
        maxInternalConnections: 100,
        maxInternalConnectionsPerServer: 50,
        maxQueuedMessages: 150_000,
        maxRecipientsPerMessage: 100,
        maxMessagesPerConnection: 0,
        minRetryMinutes: 15,
        maxRetryMinutes: 420,
        messageTimeoutHours: 120,
        bounceTimeoutHours: 24,
        delayNotificationHours: 4,
      },
    ],
    [
      'bindings',
      bindings,
      { local: 'auto', nonLocal: 'auto', dynamicallyRouted: 'auto', controlPlane: 'auto', domains: [] },
    ],
    ['authentication', authentication, { maxConnections: 2000, ipv6Prefix: 64, maxMessagesPerSession: 100 }],
  ])('of %s are those of the page', (_, section, expected) => {
    expect(section).toMatchObject(expected);
  });

  it('fill in whatever is left out', () => {
    expect(advancedSettings.parse({ delivery: { minRetryMinutes: 5 } })).toEqual({
      ...defaultAdvanced(),
      delivery: { ...delivery, minRetryMinutes: 5 },
    });
  });
});

describe('the rules of the advanced settings', () => {
  it.each([
    [
      'a limit of one above that of all',
      { delivery: { maxExternalConnectionsPerAddress: 101 } },
      ['LIMIT_CONFLICT /delivery/maxExternalConnectionsPerAddress'],
    ],
    ['a limit of one as that of all', { delivery: { maxExternalConnectionsPerAddress: 100 } }, []],
    [
      'a limit of all below the default of one',
      { delivery: { maxInternalConnections: 49 } },
      ['LIMIT_CONFLICT /delivery/maxInternalConnectionsPerServer'],
    ],
    [
      'retries that begin after they end',
      { delivery: { minRetryMinutes: 60, maxRetryMinutes: 30 } },
      ['LIMIT_CONFLICT /delivery/minRetryMinutes'],
    ],
    ['retries at one distance', { delivery: { minRetryMinutes: 60, maxRetryMinutes: 60 } }, []],
    ['a binding to an address', { bindings: { local: '192.0.2.1', nonLocal: '2001:DB8::1' } }, []],
    [
      'a binding to what is no address',
      { bindings: { local: '192.0.2' } },
      ['ADDRESS_INVALID /bindings/local'],
    ],
    [
      'a source of a domain that is no address',
      { bindings: { domains: [{ domain: 'example.com', sources: ['inbound', 'x'] }] } },
      ['ADDRESS_INVALID /bindings/domains/0/sources/1'],
    ],
    [
      'a domain that is none',
      { bindings: { domains: [{ domain: 'a b', sources: ['auto'] }] } },
      ['DOMAIN_INVALID /bindings/domains/0/domain'],
    ],
    [
      'a domain twice, in two spellings',
      {
        bindings: {
          domains: [
            { domain: 'example.com', sources: ['auto'] },
            { domain: 'EXAMPLE.com.', sources: ['auto'] },
          ],
        },
      },
      ['VALUE_INVALID /bindings/domains/1/domain'],
    ],
    ['a sender domain', { outbound: { defaultSenderDomain: 'example.com' } }, []],
    [
      'a sender domain that is none',
      { outbound: { defaultSenderDomain: '192.0.2.1' } },
      ['DOMAIN_INVALID /outbound/defaultSenderDomain'],
    ],
    [
      'values of the wrong type',
      { delivery: 3, bindings: { local: 7, domains: [4, { domain: 5, sources: 6 }] } },
      [],
    ],
    ['something that is no object', [], []],
  ])('judge %s', (_, body, expected) => {
    expect(codes(body)).toEqual(expected);
  });
});

describe('the stored form of the advanced settings', () => {
  const whole = (least: number, most: number) => fc.integer({ min: least, max: most });
  const choice = fc.constantFrom('auto', 'inbound', 'outbound', '192.0.2.1', '2001:DB8::0:1');
  const settings: fc.Arbitrary<AdvancedSettingsInput> = fc.record(
    {
      inbound: fc.record(
        { maxConnections: whole(1, 50_000), ipv6Prefix: whole(0, 128), maxMessagesPerSession: whole(0, 100) },
        { requiredKeys: [] },
      ),
      outbound: fc.record(
        { defaultSenderDomain: fc.constantFrom(null, 'Example.com', 'bücher.example') },
        { requiredKeys: [] },
      ),
      delivery: fc.record({ maxMessagesPerConnection: whole(0, 100) }, { requiredKeys: [] }),
      bindings: fc.record(
        {
          local: choice,
          domains: fc.uniqueArray(
            fc.record({
              domain: fc.constantFrom('b.example', 'A.example', 'c.example'),
              sources: fc.array(choice, { minLength: 1, maxLength: 8 }),
            }),
            { selector: ({ domain }) => domain },
          ),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );

  it('does not change when it is made again, and has the domains in order', () => {
    fc.assert(
      fc.property(settings, (body) => {
        const once = canonicalAdvanced(advancedSettings.parse(body));
        expect(canonicalAdvanced(advancedSettings.parse(structuredClone(once)))).toEqual(once);
        const domains = once.bindings.domains.map(({ domain }) => domain);
        expect(domains).toEqual([...domains].sort());
      }),
    );
  });
});

describe('bindings', () => {
  const bindings = (given: object) => advancedSettings.parse({ bindings: given });
  const smtp = smtpSettings.parse({ mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.1' } } });
  const interfaces = [
    { name: 'eth0', type: 'ethernet' as const, ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'] },
  ];
  const verdict = (given: object, before: object = {}, seen: typeof interfaces | null = interfaces) => {
    const { problems, warnings } = advancedVerdict(bindings(given), {
      smtp,
      interfaces: seen,
      before: bindings(before),
    });
    return [told(problems), told(warnings)];
  };

  it('name addresses of the Scanner and listeners that it has', () => {
    expect(verdict({ local: '192.0.2.1', nonLocal: '2001:db8::1', dynamicallyRouted: 'inbound' })).toEqual([
      [],
      [],
    ]);
    expect(verdict({ local: '198.51.100.1' })).toEqual([['ADDRESS_NOT_ON_SCANNER /bindings/local'], []]);
    expect(verdict({ local: 'outbound' })).toEqual([['BINDING_NOT_AVAILABLE /bindings/local'], []]);
  });

  it('that were there before are only warned of', () => {
    expect(verdict({ local: '198.51.100.1' }, { local: '198.51.100.1' })).toEqual([
      [],
      ['ADDRESS_NOT_ON_SCANNER /bindings/local'],
    ]);
  });

  it('of a domain are told by its name, whatever its place', () => {
    const foreign = { domain: 'b.example', sources: ['198.51.100.1'] };
    const own = { domain: 'a.example', sources: ['auto'] };
    expect(verdict({ domains: [own, foreign] }, { domains: [foreign] })).toEqual([
      [],
      ['ADDRESS_NOT_ON_SCANNER /bindings/domains/1/sources/0'],
    ]);
    expect(verdict({ domains: [foreign] }, { domains: [own] })[0]).toEqual([
      'ADDRESS_NOT_ON_SCANNER /bindings/domains/0/sources/0',
    ]);
  });

  it('are not checked against interfaces before those are known', () => {
    expect(verdict({ local: '198.51.100.1' }, {}, null)).toEqual([[], []]);
  });
});

describe('limits of a listener that inbound and outbound share', () => {
  const ipv4 = { address: '192.0.2.1', port: 25 };
  const smtp = (outboundPort: number) =>
    smtpSettings.parse({
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4 },
      outbound: { ipv4: { ...ipv4, port: outboundPort } },
    });
  const warned = (given: AdvancedSettingsInput, outboundPort = 25) => {
    const settings = advancedSettings.parse(given);
    const context = { smtp: smtp(outboundPort), interfaces: null, before: settings };
    return told(advancedVerdict(settings, context).warnings);
  };

  it('are warned of where they differ', () => {
    expect(warned({ outbound: { maxMessageBytes: 1_000_000 } })).toEqual([
      'SHARED_LISTENER_LIMITS /outbound/maxMessageBytes',
    ]);
  });

  it('are not where they are the same, or each way has a listener of its own', () => {
    const same = { maxMessageBytes: 1_000_000 };
    expect(warned({ inbound: same, outbound: same })).toEqual([]);
    expect(warned({ outbound: same }, 2525)).toEqual([]);
  });
});

it('a patch brings a default back with null, and takes no read-only member', () => {
  const present = advancedSettings.parse({ delivery: { minRetryMinutes: 5 } });
  const patched = patchedAdvanced(present, { revision: 7, delivery: { minRetryMinutes: null } });
  expect(patched).not.toHaveProperty('revision');
  expect(advancedSettings.parse(patched)).toEqual(defaultAdvanced());
});
