import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineTooLong } from '../../../../scanner/postfix/guard/lines.ts';
import { PolicyProtocolError, policyReader } from '../../../../scanner/postfix/guard/policy-protocol.ts';
import { readPolicyRequest } from '../../../../scanner/postfix/guard/policy-request.ts';

const readAll = (...pieces: string[]) => {
  const read = policyReader();
  return pieces
    .flatMap((piece) => read(Buffer.from(piece)))
    .map((attributes) => Object.fromEntries(attributes));
};

const pieces = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
};

describe('what Postfix sends', () => {
  it('is one request for each empty line', () => {
    expect(readAll('a=1\nb=x=y\n\n', 'c=\n\n\n')).toEqual([{ a: '1', b: 'x=y' }, { c: '' }, {}]);
  });

  it('is the same however it is cut on the way', () => {
    const request = fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.stringMatching(/^[ -~é]{0,30}$/), {
      maxKeys: 8,
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 5 }), fc.array(fc.nat()), (requests, cuts) => {
        const text = requests
          .map(
            (one) =>
              `${Object.entries(one)
                .map(([name, value]) => `${name}=${value}\n`)
                .join('')}\n`,
          )
          .join('');
        const read = policyReader();
        const found = pieces(Buffer.from(text, 'latin1'), cuts).flatMap((piece) => read(piece));
        expect(found.map((one) => Object.fromEntries(one))).toEqual(requests.map((one) => ({ ...one })));
      }),
    );
  });

  it('keeps the first of an attribute that comes twice', () => {
    expect(readAll('a=1\na=2\n\n')).toEqual([{ a: '1' }]);
  });

  it.each<[string, string, new (message: string) => Error]>([
    ['a line without =', 'HELO x\n\n', PolicyProtocolError],
    ['a line that begins with =', '=1\n\n', PolicyProtocolError],
    ['a line without end', 'a='.padEnd(9000, 'x'), LineTooLong],
    ['a line that is too long', `${'a='.padEnd(9000, 'x')}\n\n`, LineTooLong],
    [
      'too many attributes',
      Array.from({ length: 200 }, (_, index) => `a${index}=\n`).join(''),
      PolicyProtocolError,
    ],
  ])('is refused with %s', (_, text, kind) => {
    expect(() => readAll(text)).toThrow(kind);
  });
});

const request = (more: Record<string, string>) =>
  readPolicyRequest(
    new Map(
      Object.entries({
        request: 'smtpd_access_policy',
        protocol_state: 'MAIL',
        policy_context: 'inbound-ipv4@17-0a0b0c0d',
        client_address: '192.0.2.7',
        client_name: 'mx.Example.org',
        client_port: '54321',
        server_address: '::1',
        server_port: '587',
        ...more,
      }),
    ),
  );

describe('a request', () => {
  it('says who asks, who the client is and where it is', () => {
    expect(request({ sender: 'a@x.org', recipient_count: '3', sasl_username: 'me' })).toEqual({
      state: 'MAIL',
      context: 'inbound-ipv4@17-0a0b0c0d',
      client: { address: '192.0.2.7', name: 'mx.example.org' },
      clientPort: 54321,
      server: { address: '::1', port: 587 },
      sender: 'a@x.org',
      recipients: 3,
      isAuthenticated: true,
      certificate: 'none',
    });
  });

  it.each<[string, string | null]>([
    ['unknown', null],
    ['', null],
    ['localhost', 'localhost'],
    ['7', null],
    ['bad name.example', null],
    ['mail.example.org', 'mail.example.org'],
  ])('of a client named "%s" has the name %s', (client_name, name) => {
    expect(request({ client_name }).client.name).toBe(name);
  });

  it('of an IPv4-mapped client is one of the IPv4 client', () => {
    expect(request({ client_address: '::ffff:192.0.2.7' }).client.address).toBe('192.0.2.7');
  });

  it.each<[Record<string, string>, string]>([
    [{}, 'none'],
    [{ ccert_subject: '', ccert_issuer: '', ccert_fingerprint: 'AA:BB' }, 'untrusted'],
    [{ ccert_subject: '', ccert_issuer: '', ccert_pubkey_fingerprint: 'AA:BB' }, 'untrusted'],
    [{ ccert_subject: 'mx', ccert_issuer: 'CA', ccert_fingerprint: 'AA:BB' }, 'trusted'],
    [{ ccert_subject: '', ccert_issuer: 'CA', ccert_fingerprint: 'AA:BB' }, 'trusted'],
  ])('with %j has a certificate that is %s', (attributes, certificate) => {
    expect(request(attributes).certificate).toBe(certificate);
  });

  it.each<[string, Record<string, string>]>([
    ['of another kind', { request: 'junk' }],
    ['without a client', { client_address: '' }],
    ['of a client that is no address', { client_address: 'unknown' }],
  ])('%s is none', (_, attributes) => {
    expect(() => request(attributes)).toThrow(PolicyProtocolError);
  });
});
