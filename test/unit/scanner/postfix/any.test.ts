import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RenderInput } from '../../../../scanner/postfix/render/input.ts';
import { type Rendered, renderPostfix } from '../../../../scanner/postfix/render/render.ts';
import { escaped, mainLines, overrideLines } from '../../../../scanner/postfix/render/values.ts';
import { canonicalAdvanced } from '../../../../shared/domain/advanced.ts';
import { canonicalSettings } from '../../../../shared/domain/settings.ts';
import { advancedSettings } from '../../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../../shared/schemas/smtp.ts';
import { certificateId, host, inputOf, rendered, type Sample, samples } from './inputs.ts';
import { mainOf, masterOf } from './parsed.ts';

const address = fc.ipV4().filter((text) => !/^(0|22[4-9]|23\d|255)\./.test(text));
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.record({ address, port });
const ipv6 = fc.option(fc.record({ address: fc.constantFrom('2001:db8::1', '2001:db8::2'), port }));
const tls = fc.oneof(
  fc.constant({ accept: false }),
  fc.record({
    accept: fc.constant(true),
    certificateId: fc.constant(certificateId),
    require: fc.constant(true),
    clientCertificate: fc.constantFrom('none' as const, 'request' as const, 'require' as const),
  }),
);
const accept = fc.constantFrom('all' as const, 'listed' as const);
const outboundTls = fc.constantFrom({ accept: false }, { accept: true, certificateId });
const sections = {
  inbound: fc.record({ ipv4, ipv6, tls, accept }),
  outbound: fc.record({ ipv4, ipv6, tls: outboundTls, nonLocalDelivery: fc.constantFrom('mx', 'relay') }),
  authentication: fc.oneof(
    fc.constant({ enabled: false }),
    fc.record({ enabled: fc.constant(true), ipv4, ipv6, tls, accept, source: fc.constant({ type: 'ldap' }) }),
  ),
};
const smtp = fc.oneof(
  fc.record({ mailFiltering: fc.constant('inbound'), inbound: sections.inbound }),
  fc.record({
    mailFiltering: fc.constant('outbound'),
    outbound: sections.outbound,
    authentication: sections.authentication,
  }),
  fc.record({ mailFiltering: fc.constant('inbound-and-outbound'), ...sections }),
) as fc.Arbitrary<Sample['smtp']>;

const choice = fc.oneof(fc.constantFrom('auto', 'inbound', 'outbound', '2001:db8::9'), address);
const domain = fc.domain().filter((name) => !name.includes('xn--'));
const limits = (most: number) => fc.integer({ min: 1, max: most });
const advanced = fc.record({
  inbound: fc.record({ maxConnections: limits(50_000), maxMessageBytes: fc.constantFrom(2048, 10_485_760) }),
  outbound: fc.record({ defaultSenderDomain: fc.option(domain), ipv6Prefix: fc.nat(128) }),
  delivery: fc.record({
    maxExternalConnectionsPerAddress: limits(100),
    minRetryMinutes: limits(420),
    delayNotificationHours: fc.nat(720),
    deferWhenQueueFull: fc.boolean(),
    opportunisticTls: fc.boolean(),
  }),
  bindings: fc.record({
    local: choice,
    nonLocal: choice,
    controlPlane: fc.constantFrom('auto', '192.0.2.1'),
    domains: fc.uniqueArray(
      fc.record({ domain, sources: fc.array(choice, { minLength: 1, maxLength: 8 }) }),
      { maxLength: 6, selector: (one) => one.domain.toLowerCase() },
    ),
  }),
  authentication: fc.record({ insertReceivedHeader: fc.boolean(), stripReceivedHeaders: fc.boolean() }),
}) as fc.Arbitrary<NonNullable<Sample['advanced']>>;

const hosts = fc.array(
  fc.oneof(
    fc.record({ name: address, port, preference: fc.nat(3), mxLookup: fc.constant(false) }),
    fc.record({
      name: domain.map((name) => name.toLowerCase()),
      port,
      preference: fc.nat(3),
      mxLookup: fc.boolean(),
    }),
  ),
  { maxLength: 8 },
);
const listed = hosts.map((all) => all.map(({ name, ...more }) => host(name, more)));

/** A configuration as the control plane would store it. */
const valid: fc.Arbitrary<Sample> = fc
  .record({ smtp, advanced, hosts: fc.record({ localDelivery: listed, relay: listed }) })
  .map((sample) => ({
    ...sample,
    smtp: canonicalSettings(smtpSettings.parse(sample.smtp)),
    advanced: canonicalAdvanced(advancedSettings.parse(sample.advanced)),
  }));

/** True where a pointer leads to a member of the desired document, or to where a missing one would be. */
const leads = ({ desired }: RenderInput, pointer: string): boolean => {
  const path = pointer.split('/').slice(1, -1);
  let at: unknown = { ...desired.smtp, advanced: desired.advanced };
  for (const name of path) at = (at as Record<string, unknown> | undefined)?.[name];
  return typeof at === 'object' && at !== null;
};

const known = Object.values(samples).map(rendered);
const names = (of: (one: (typeof known)[number]) => string[]) => new Set(known.flatMap(of));
const parameters = names((one) => Object.keys(mainOf(one)));
const overrides = names((one) =>
  Object.values(masterOf(one)).flatMap((service) => Object.keys(service.overrides)),
);
const commands = names((one) => Object.values(masterOf(one)).map((service) => service.command));

const perTransport = /^(internal|external(_\d+)?)_destination_(concurrency|recipient)_limit$/;

/** Nothing but parameters, services and commands that the renderer means to write. */
const holdsOnlyWhatIsMeant = (rendering: ReturnType<typeof rendered>) => {
  const main = Object.keys(mainOf(rendering)).filter((name) => !perTransport.test(name));
  const services = Object.values(masterOf(rendering));
  expect(main.filter((name) => !parameters.has(name))).toEqual([]);
  expect(services.filter(({ command }) => !commands.has(command))).toEqual([]);
  expect(
    services.flatMap((one) => Object.keys(one.overrides)).filter((name) => !overrides.has(name)),
  ).toEqual([]);
};

describe('any valid configuration', () => {
  it('is rendered whole, or refused with pointers into it', () => {
    const seen = { rendered: 0, refused: 0 };
    fc.assert(
      fc.property(valid, (sample) => {
        const input = inputOf(sample);
        const rendering = renderPostfix(input);
        if ('refusals' in rendering) {
          seen.refused += 1;
          expect(rendering.refusals.filter(({ pointer }) => !leads(input, pointer))).toEqual([]);
          return;
        }
        seen.rendered += 1;
        holdsOnlyWhatIsMeant(rendering);
      }),
      { numRuns: 300 },
    );
    expect(seen.rendered).toBeGreaterThan(20);
    expect(seen.refused).toBeGreaterThan(20);
  });

  it('never has more connections than its limits', () => {
    fc.assert(
      fc.property(valid, (sample) => {
        const rendering = renderPostfix(inputOf(sample));
        if ('refusals' in rendering) return;
        const external = Object.entries(masterOf(rendering)).filter(([name]) => name.startsWith('external'));
        const processes = external.map(([, service]) => Number(service.processes));
        expect(Math.min(...processes)).toBeGreaterThan(0);
        expect(processes.reduce((sum, one) => sum + one, 0)).toBe(
          sample.advanced?.delivery?.maxExternalConnectionsPerAddress,
        );
      }),
      { numRuns: 100 },
    );
  });
});

const hostile = fc.oneof(
  fc.constantFrom(
    'x\nsmtpd_relay_restrictions = permit',
    'x\r\n25 inet n - n - - smtpd',
    'x}\n -o {smtpd_relay_restrictions=permit',
    '$mynetworks',
    '$(smtpd_relay_restrictions)',
    'a, permit',
    'a permit',
    '}, {',
    'a.example = x}, {b.example',
    'external:[203.0.113.1]:25',
    '[203.0.113.1]',
    '\u2028smtpd_relay_restrictions = permit',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('\n', ' ', ',', '$', '{', '}', '=', '#', ':', 'a', '.'), maxLength: 12 }),
);

type Tree = Record<string, unknown>;

const stringsIn = (value: unknown, path: string[] = []): string[][] => {
  if (typeof value === 'string') return [path];
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, member]) => stringsIn(member, [...path, name]))
    : [];
};

const withText = (tree: Tree, path: readonly string[], text: string): Tree => {
  const copy = structuredClone(tree);
  let at = copy;
  for (const name of path.slice(0, -1)) at = at[name] as Tree;
  at[path.at(-1) ?? ''] = text;
  return copy;
};

/** The documents as they come from elsewhere: every text of them may be anything. */
const treeOf = (sample: Sample): Tree => {
  const { desired, hosts: given, artifacts } = inputOf(sample);
  const texts = [...artifacts].map(([name, text]) => [name, JSON.parse(text) as unknown]);
  return { desired, hosts: given, artifacts: Object.fromEntries(texts) } as unknown as Tree;
};

const inputFrom = (sample: Sample, tree: Tree): RenderInput => {
  const { desired, hosts: given, artifacts } = tree as unknown as RenderInput;
  const texts = Object.entries(artifacts).map(([name, value]) => [name, JSON.stringify(value)] as const);
  return { ...inputOf(sample), desired, hosts: given, artifacts: new Map(texts) };
};

describe('any text in any place of what comes in', () => {
  it('writes no line and no parameter: it is refused, or changes only a value', () => {
    const whole = Object.values(samples);
    const placed = fc
      .constantFrom(...whole.map((sample) => ({ sample, tree: treeOf(sample) })))
      .chain(({ sample, tree }) =>
        fc.record({
          sample: fc.constant(sample),
          tree: fc.constant(tree),
          path: fc.constantFrom(...stringsIn(tree)),
          text: hostile,
        }),
      );
    fc.assert(
      fc.property(placed, ({ sample, tree, path, text }) => {
        const rendering = renderPostfix(inputFrom(sample, withText(tree, path, text)));
        if ('refusals' in rendering) return;
        holdsOnlyWhatIsMeant(rendering);
        const usual = rendered(sample);
        expect(Object.keys(mainOf(rendering))).toEqual(Object.keys(mainOf(usual)));
        const writtenOf = ({ files }: Rendered) => `${files['main.cf']?.text}${files['master.cf']?.text}`;
        // Of the hostile texts some, as "}, {", are in every configuration.
        const isOdd = text.trim().length > 2 && !writtenOf(usual).includes(text);
        if (/[\s${}=,]/.test(text.trim()) && isOdd) expect(writtenOf(rendering)).not.toContain(text);
      }),
      { numRuns: 600 },
    );
  });
});

describe('a value', () => {
  it('stays on its line and names no other parameter, or is none', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        let lines: string[];
        try {
          lines = [mainLines([['name', text]]), ...overrideLines([['name', text]])];
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        for (const line of lines) {
          expect(line).not.toMatch(/[\r\n\u2028\u2029]/);
          expect(line.replaceAll('$$', '')).not.toContain('$');
        }
      }),
    );
  });

  it.each(['a\nb', 'a\u0000', '{', '}{', ' a', 'a '])('is refused where no escape helps: %j', (text) => {
    expect(() => escaped(text)).toThrow(TypeError);
  });

  it('means each $ as it stands', () => {
    expect(escaped('a$b$')).toBe('a$$b$$');
  });
});
