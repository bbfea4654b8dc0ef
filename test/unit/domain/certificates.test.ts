import { describe, expect, it } from 'vitest';
import { certificateVerdict, validityOf } from '../../../shared/domain/certificates.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

const now = new Date('2026-11-24T12:00:00.000Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000).toISOString();
const certificate = (from: number, to: number) => ({ name: 'mx', notBefore: days(from), notAfter: days(to) });

describe('the validity of a certificate', () => {
  it.each([
    ['valid', -1, 31],
    ['expiring', -1, 30],
    ['expiring', -1, 0],
    ['expired', -10, -1],
    ['not-yet', 1, 90],
  ])('is %s from day %i to day %i', (expected, from, to) => {
    expect(validityOf(certificate(from, to), now)).toBe(expected);
  });
});

describe('certificates that settings name', () => {
  const ids = {
    good: 'cert-00000000000000aa',
    old: 'cert-00000000000000bb',
    soon: 'cert-00000000000000cc',
    gone: 'cert-00000000000000dd',
  };
  const known = new Map([
    [ids.good, certificate(-1, 90)],
    [ids.old, certificate(-90, -1)],
    [ids.soon, certificate(-90, 10)],
  ]);
  const settings = (certificateId: string, accept = true) =>
    smtpSettings.parse({
      mailFiltering: 'inbound',
      inbound: {
        ipv4: { address: '192.0.2.1' },
        tls: accept ? { accept, certificateId } : { accept },
      },
    });
  const verdict = (id: string, before: string | null = null) => {
    const { problems, warnings } = certificateVerdict(
      settings(id),
      known,
      before === null ? null : settings(before),
      now,
    );
    return [problems, warnings].map((found) => found.map(({ code, pointer }) => `${code} ${pointer}`));
  };
  const at = (code: string) => [`${code} /inbound/tls/certificateId`];

  it('are there and valid', () => {
    expect(verdict(ids.good)).toEqual([[], []]);
  });

  it('are refused when there is none with that id', () => {
    expect(verdict(ids.gone)).toEqual([at('CERTIFICATE_NOT_FOUND'), []]);
    expect(verdict(ids.gone, ids.gone)).toEqual([at('CERTIFICATE_NOT_FOUND'), []]);
  });

  it('are refused when expired, unless they were named before', () => {
    expect(verdict(ids.old, ids.good)).toEqual([at('CERTIFICATE_EXPIRED'), []]);
    expect(verdict(ids.old, ids.old)).toEqual([[], at('CERTIFICATE_EXPIRED')]);
  });

  it('are warned of within thirty days of their end', () => {
    expect(verdict(ids.soon)).toEqual([[], at('CERTIFICATE_EXPIRING')]);
  });

  it('do not matter where TLS is not accepted', () => {
    expect(certificateVerdict(settings('', false), new Map(), null, now)).toEqual({
      problems: [],
      warnings: [],
    });
  });
});
