import { describe, expect, it } from 'vitest';
import { settingsProblems } from '../../../shared/domain/settings.ts';
import { tlsWarnings } from '../../../shared/domain/tls.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

const certificateId = 'cert-0123456789abcdef';
const ipv4 = { address: '192.0.2.1', port: 2525 };

const inboundWith = (tls: object) => ({ mailFiltering: 'inbound', inbound: { ipv4, tls } });
const told = (found: { code: string; pointer: string }[]) =>
  found.map(({ code, pointer }) => `${code} ${pointer}`);
const codes = (body: unknown) => told(settingsProblems(body));

describe('TLS that is accepted', () => {
  it.each([
    ['with a certificate is whole', { accept: true, certificateId }, []],
    ['needs a certificate', { accept: true }, ['CERTIFICATE_REQUIRED /inbound/tls/certificateId']],
    [
      'needs one that is not null',
      { accept: true, certificateId: null },
      ['CERTIFICATE_REQUIRED /inbound/tls/certificateId'],
    ],
    ['may be required', { accept: true, certificateId, require: true }, []],
    ['may ask clients for a certificate', { accept: true, certificateId, clientCertificate: 'request' }, []],
    [
      'may require one of clients where TLS is required',
      { accept: true, certificateId, require: true, clientCertificate: 'require' },
      [],
    ],
    [
      'may not require one of clients that need no TLS',
      { accept: true, certificateId, clientCertificate: 'require' },
      ['CLIENT_CERTIFICATE_WITHOUT_REQUIRED_TLS /inbound/tls/clientCertificate'],
    ],
  ])('%s', (_, tls, expected) => {
    expect(codes(inboundWith(tls))).toEqual(expected);
  });
});

describe('TLS that is not accepted', () => {
  it.each([
    [
      'may say so with neutral values',
      { accept: false, certificateId: null, require: false, clientCertificate: 'none' },
      [],
    ],
    [
      'names no certificate',
      { accept: false, certificateId },
      ['TLS_FIELDS_WITHOUT_TLS /inbound/tls/certificateId'],
    ],
    ['is not required', { accept: false, require: true }, ['TLS_FIELDS_WITHOUT_TLS /inbound/tls/require']],
    [
      'tells everything at once',
      { accept: false, certificateId, require: true, clientCertificate: 'request' },
      ['certificateId', 'require', 'clientCertificate'].map(
        (name) => `TLS_FIELDS_WITHOUT_TLS /inbound/tls/${name}`,
      ),
    ],
  ])('%s', (_, tls, expected) => {
    expect(codes(inboundWith(tls))).toEqual(expected);
  });
});

describe('the rules of TLS', () => {
  const source = { type: 'ldap' };
  const outbound = { ipv4: { address: '192.0.2.2' } };

  it('apply to each section', () => {
    const body = {
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4, tls: { accept: true } },
      outbound: { ...outbound, tls: { accept: true } },
      authentication: { enabled: true, source, ipv4: { address: '192.0.2.3' }, tls: { accept: true } },
    };
    expect(codes(body)).toEqual(
      ['inbound', 'outbound', 'authentication'].map(
        (name) => `CERTIFICATE_REQUIRED /${name}/tls/certificateId`,
      ),
    );
  });

  it('do not apply to authentication that is off', () => {
    const authentication = { enabled: false, tls: { accept: true } };
    expect(codes({ mailFiltering: 'outbound', outbound, authentication })).toEqual([]);
  });

  it('leave a value of the wrong type to the schema', () => {
    expect(codes(inboundWith({ accept: 'yes' }))).toEqual([]);
    expect(codes({ mailFiltering: 'inbound', inbound: { ipv4, tls: 3 } })).toEqual([]);
  });
});

describe('warnings of TLS', () => {
  const warnings = (port: number, tls: object) =>
    told(
      tlsWarnings(
        smtpSettings.parse({ mailFiltering: 'inbound', inbound: { ipv4: { ...ipv4, port }, tls } }),
      ),
    );

  it('tell that port 25 asks for more than senders may have', () => {
    const required = { accept: true, certificateId, require: true };
    const asked = { accept: true, certificateId, clientCertificate: 'request' };
    expect(warnings(25, required)).toEqual(['MAY_REFUSE_SENDERS /inbound/tls']);
    expect(warnings(25, asked)).toEqual(['MAY_REFUSE_SENDERS /inbound/tls']);
    expect(warnings(26, required)).toEqual([]);
    expect(warnings(25, { accept: true, certificateId })).toEqual([]);
  });

  it('tell that authentication does without required TLS', () => {
    const authentication = (tls: object, enabled = true) =>
      told(
        tlsWarnings(
          smtpSettings.parse({
            mailFiltering: 'outbound',
            outbound,
            authentication: { enabled, source, ipv4: { address: '192.0.2.3' }, tls },
          }),
        ),
      );
    expect(authentication({ accept: true, certificateId })).toEqual([
      'AUTHENTICATION_WITHOUT_TLS /authentication/tls/require',
    ]);
    expect(authentication({ accept: true, certificateId, require: true })).toEqual([]);
    expect(authentication({ accept: false }, false)).toEqual([]);
  });

  const source = { type: 'ldap' };
  const outbound = { ipv4: { address: '192.0.2.2' } };
});
