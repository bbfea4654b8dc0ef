import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '../../../shared/domain/configuration.ts';
import type { Copied } from '../../../shared/domain/rollout.ts';
import { mergedConfiguration, needsSettings } from '../../../shared/domain/rollout-merge.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { listNames } from '../../../shared/schemas/lists.ts';
import { defaultSections, type RolloutSection, rolloutSections } from '../../../shared/schemas/rollouts.ts';
import { type SmtpSettings, smtpSettings } from '../../../shared/schemas/smtp.ts';

const certificateId = 'cert-0123456789abcdef';
const listsOf = (digit: string) =>
  Object.fromEntries(
    listNames.map((name, index) => [name, { root: digit.repeat(63) + index, entries: 1, enabled: 1 }]),
  ) as Configuration['lists'];

const tls = { accept: true, certificateId, require: true, clientCertificate: 'none' };
const parsed = (settings: unknown): SmtpSettings => smtpSettings.parse(settings);
const whole = (host: number, more: object = {}) =>
  parsed({
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4: { address: `192.0.2.${host}`, port: 25 }, accept: 'all' },
    outbound: { ipv4: { address: `192.0.2.${host}`, port: 25 } },
    authentication: { enabled: false },
    ...more,
  });
const inboundOnly = (host: number, more: object = {}) =>
  parsed({ mailFiltering: 'inbound', inbound: { ipv4: { address: `192.0.2.${host}` }, ...more } });

const configuration = (smtp: SmtpSettings | null, digit = 'b', advanced: object = {}): Configuration => ({
  smtp,
  advanced: advancedSettings.parse(advanced),
  lists: listsOf(digit),
  artifacts: {},
});
const copied = (smtp: SmtpSettings | null, advanced: object = {}): Copied =>
  configuration(smtp, 'a', advanced);

const made = (
  source: Copied,
  target: Configuration,
  sections: readonly RolloutSection[] = defaultSections,
) => {
  const merged = mergedConfiguration(source, target, sections);
  if (!('configuration' in merged)) throw new Error(JSON.stringify(merged.problems));
  return merged.configuration;
};
const refused = (
  source: Copied,
  target: Configuration,
  sections: readonly RolloutSection[] = defaultSections,
) => mergedConfiguration(source, target, sections).problems.map(({ code, pointer }) => `${code} ${pointer}`);

describe('the configuration of a target', () => {
  it('has of the source all that the tab shows, and keeps its own listeners and TLS', () => {
    const source = copied(
      whole(1, {
        inbound: { ipv4: { address: '192.0.2.1', port: 26 }, tls, accept: 'listed' },
        outbound: { ipv4: { address: '192.0.2.1' }, nonLocalDelivery: 'relay' },
      }),
    );
    const target = configuration(whole(2, { inbound: { ipv4: { address: '192.0.2.2', port: 2525 } } }));

    const merged = made(source, target);

    expect(merged.smtp).toMatchObject({
      inbound: { ipv4: { address: '192.0.2.2', port: 2525 }, tls: { accept: false }, accept: 'listed' },
      outbound: { ipv4: { address: '192.0.2.2', port: 25 }, nonLocalDelivery: 'relay' },
    });
    expect(merged.lists).toEqual(source.lists);
    expect(merged.advanced).toEqual(target.advanced);
  });

  it('keeps its own TLS also where the source has none', () => {
    const target = configuration(inboundOnly(2, { tls }));
    expect(made(copied(inboundOnly(1)), target).smtp?.inbound?.tls).toEqual(tls);
  });

  it('takes the forwarding server of the source with its port, and no listener of it', () => {
    const source = { type: 'smtp-forwarding', host: 'auth.example.com', port: 2525, tls: 'required' };
    const authentication = (host: number, of: object) => ({
      authentication: { enabled: true, ipv4: { address: `192.0.2.${host}`, port: 587 }, source: of },
    });
    const merged = made(
      copied(whole(1, authentication(1, source))),
      configuration(whole(2, authentication(2, { type: 'ldap' }))),
    );
    expect(merged.smtp?.authentication).toMatchObject({ source, ipv4: { address: '192.0.2.2' } });
  });

  it('of a mode with fewer sections has no more than these', () => {
    const merged = made(copied(inboundOnly(1)), configuration(whole(2)), ['mailFiltering']);
    expect(Object.keys(merged.smtp ?? {}).sort()).toEqual(['inbound', 'mailFiltering']);
  });

  it('has only the lists that are asked for', () => {
    const source = copied(whole(1));
    const target = configuration(whole(2));
    const merged = made(source, target, ['lists.relay']);
    expect(merged).toEqual({ ...target, lists: { ...target.lists, relay: source.lists.relay } });
  });

  it('has the advanced settings of the source when asked for, without its bindings', () => {
    const source = copied(whole(1), {
      delivery: { minRetryMinutes: 7 },
      bindings: { domains: [{ domain: 'example.com', sources: ['192.0.2.1'] }] },
    });
    const target = configuration(whole(2));
    const merged = made(source, target, ['advanced']);
    expect(merged.advanced.delivery.minRetryMinutes).toBe(7);
    expect(merged.advanced.bindings).toEqual(target.advanced.bindings);
  });
});

describe('a target cannot have a configuration', () => {
  it('without listeners of its own', () => {
    expect(refused(copied(whole(1)), configuration(inboundOnly(2)))).toEqual(['REQUIRED /outbound/ipv4']);
    expect(refused(copied(inboundOnly(1)), configuration(null))).toEqual(['REQUIRED /inbound/ipv4']);
  });

  it('whose sections do not go with its mode', () => {
    const source = copied(whole(1));
    expect(refused(source, configuration(inboundOnly(2)), ['outbound'])).toContain(
      'SECTION_NOT_IN_MODE /outbound',
    );
    expect(refused(copied(inboundOnly(1)), configuration(whole(2)), ['outbound'])).toEqual([
      'SECTION_REQUIRED /outbound',
    ]);
  });

  it('whose authentication would share its listener', () => {
    const on = { enabled: true, source: { type: 'ldap' } };
    const source = copied(whole(1, { authentication: { ...on, ipv4: { address: '192.0.2.1', port: 587 } } }));
    const own = { enabled: false, ipv4: { address: '192.0.2.2', port: 25 } };
    const target = configuration(whole(2, { authentication: own }));
    expect(refused(source, target)).toEqual(['LISTENER_CONFLICT /authentication/ipv4']);
  });

  it('of lists alone before it has settings', () => {
    expect(refused(copied(whole(1)), configuration(null), ['lists.inbound'])).toEqual([
      'SMTP_NOT_CONFIGURED ',
    ]);
  });
});

describe('whatever is copied', () => {
  const sections = fc.subarray([...rolloutSections], { minLength: 1 });
  const anySettings = fc.record({
    host: fc.integer({ min: 1, max: 9 }),
    all: fc.boolean(),
    listed: fc.boolean(),
  });
  const settingsOf = ({ host, all, listed }: { host: number; all: boolean; listed: boolean }) =>
    all ? whole(host) : inboundOnly(host, { accept: listed ? 'listed' : 'all' });

  it('leaves what belongs to one host as it is, and copying twice is copying once', () => {
    fc.assert(
      fc.property(anySettings, anySettings, sections, (one, other, wanted) => {
        const source = copied(settingsOf(one), { delivery: { minRetryMinutes: 9 } });
        const target = configuration(settingsOf(other));
        const merged = mergedConfiguration(source, target, wanted);
        if (!('configuration' in merged)) return;
        for (const section of ['inbound', 'outbound'] as const) {
          const present = merged.configuration.smtp?.[section];
          const before = target.smtp?.[section];
          if (present && before)
            expect([present.ipv4, present.ipv6, present.tls]).toEqual([before.ipv4, before.ipv6, before.tls]);
        }
        expect(mergedConfiguration(source, merged.configuration, wanted)).toEqual(merged);
      }),
    );
  });
});

it('settings are needed of the source for sections of the tab alone', () => {
  expect(needsSettings(['lists.relay', 'advanced'])).toBe(false);
  expect(needsSettings(['lists.relay', 'inbound'])).toBe(true);
});
