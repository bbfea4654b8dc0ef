import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appliedTo, hostSpecificPaths } from '../../../shared/domain/host-specific.ts';
import { openApiDocument } from '../../../shared/openapi.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

const names = (paths: string[][]) => paths.map((path) => path.join('.'));

describe('what belongs to one host alone', () => {
  it('is addresses, ports and TLS of each section', () => {
    expect(names(hostSpecificPaths(smtpSettings))).toEqual(
      ['inbound', 'outbound', 'authentication'].flatMap((section) =>
        ['ipv4', 'ipv6', 'tls'].map((member) => `${section}.${member}`),
      ),
    );
  });

  it('is the bindings of the advanced settings', () => {
    expect(names(hostSpecificPaths(advancedSettings))).toEqual(['bindings']);
  });

  it('is marked in the OpenAPI document', () => {
    const text = JSON.stringify(openApiDocument().components?.schemas?.['SmtpDocument']);
    expect(text.match(/"x-host-specific":true/g)).toHaveLength(9);
  });
});

describe('settings applied to another host', () => {
  const octet = fc.integer({ min: 1, max: 254 });
  const listener = fc.record({
    address: octet.map((last) => `192.0.2.${last}`),
    port: fc.integer({ min: 1, max: 65535 }),
  });
  const settings = fc.record({
    mailFiltering: fc.constant('inbound-and-outbound' as const),
    inbound: fc.record({ ipv4: listener, accept: fc.constantFrom('all' as const, 'listed' as const) }),
    outbound: fc.record({
      ipv4: listener,
      nonLocalDelivery: fc.constantFrom('mx' as const, 'relay' as const),
    }),
  });

  it('keep its own addresses, ports and TLS, and take the rest', () => {
    fc.assert(
      fc.property(settings, settings, (one, other) => {
        const [source, target] = [smtpSettings.parse(one), smtpSettings.parse(other)];
        const applied = smtpSettings.parse(appliedTo(smtpSettings, source, target));
        expect(applied.inbound?.ipv4).toEqual(target.inbound?.ipv4);
        expect(applied.outbound?.tls).toEqual(target.outbound?.tls);
        expect(applied.inbound?.accept).toBe(source.inbound?.accept);
        expect(applied.outbound?.nonLocalDelivery).toBe(source.outbound?.nonLocalDelivery);
        expect(appliedTo(smtpSettings, applied, target)).toEqual(applied);
      }),
    );
  });

  it('leave out what the target does not have, for the rules to ask for', () => {
    const source = smtpSettings.parse({
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: { address: '192.0.2.1' } },
      outbound: { ipv4: { address: '192.0.2.1' } },
    });
    const target = smtpSettings.parse({
      mailFiltering: 'inbound',
      inbound: { ipv4: { address: '192.0.2.9' } },
    });
    expect(appliedTo(smtpSettings, source, target)).toMatchObject({
      inbound: { ipv4: { address: '192.0.2.9' } },
      outbound: { nonLocalDelivery: 'mx' },
    });
    expect(appliedTo(smtpSettings, source, target)).not.toHaveProperty('outbound.ipv4');
  });
});
