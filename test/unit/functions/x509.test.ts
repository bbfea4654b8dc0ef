import { createPrivateKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { examineAuthorities, examineCertificate } from '../../../functions/lib/x509.ts';
import { keyForms, type Made, make, makeChain, type ServerChain } from '../../helpers/certificates.ts';

let chain: ServerChain;
let other: Made;
const now = new Date();

beforeAll(async () => {
  chain = await makeChain({
    subject: 'CN=mx.example.com,O=Example\\, Inc,C=FR',
    names: ['mx.example.com', '*.example.com'],
    addresses: ['192.0.2.1', '2001:db8::1'],
  });
  other = await make({ subject: 'CN=other' });
});

const examine = (certificatePem: string, privateKeyPem = chain.leaf.keyPem, at = now) =>
  examineCertificate({ certificatePem, privateKeyPem }, at);
const codes = (found: { code: string }[]) => found.map(({ code }) => code);
const pems = (...made: Made[]) => made.map(({ pem }) => pem).join('');

describe('a certificate with its chain', () => {
  it('says what it is', () => {
    const { problems, warnings, made } = examine(chain.upload.certificatePem);

    expect(problems).toEqual([]);
    expect(warnings).toEqual([]);
    expect(made).toMatchObject({
      keyType: 'EC P-256',
      chainLength: 2,
      details: {
        issuer: 'CN=Intermediate',
        subjectAlternativeNames: ['mx.example.com', '*.example.com', '192.0.2.1', '2001:db8::1'],
        fingerprintSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        notAfter: chain.leaf.certificate.notAfter.toISOString(),
      },
    });
    expect(made?.details.subject).toContain('O=Example\\, Inc');
  });

  it('may carry its root, text around the blocks, and Windows line ends', () => {
    const { leaf, intermediate, root } = chain;
    const text = `subject=mx\n${pems(leaf, intermediate)}issuer=root\n${root.pem}`.replaceAll('\n', '\r\n');
    const { problems, made } = examine(text);

    expect(problems).toEqual([]);
    expect(made?.certificatePem).not.toContain('subject');
    expect(made?.certificatePem).not.toContain('\r');
    expect(made?.chainLength).toBe(3);
  });

  it('out of order says so, and where each belongs', () => {
    const { leaf, intermediate, root } = chain;
    const { problems } = examine(pems(leaf, root, intermediate));

    expect(codes(problems)).toContain('CHAIN_BROKEN');
    expect(problems[0]?.message).toContain('certificate 2 (CN=Root) but by certificate 3 (CN=Intermediate)');
    expect(problems[0]?.message).toContain('order');
  });

  it('with a link missing names it', () => {
    const { problems } = examine(pems(chain.leaf, chain.root));

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ pointer: '/certificatePem', code: 'CHAIN_BROKEN' });
    expect(problems[0]?.message).toContain('CN=Intermediate, is missing');
  });

  it('of which the authority comes first is told whose key it is', () => {
    const { problems } = examine(pems(chain.intermediate, chain.leaf));

    expect(codes(problems)).toEqual([
      'CHAIN_BROKEN',
      'CERTIFICATE_AUTHORITY_EXPECTED',
      'PRIVATE_KEY_MISMATCH',
    ]);
    expect(problems.at(-1)?.message).toContain('certificate 2');
  });

  it('is refused where it has expired, and warned of where it soon will or is not valid yet', async () => {
    const at = (days: number) => new Date(now.getTime() + days * 86_400_000);
    const { certificatePem } = chain.upload;

    expect(codes(examine(certificatePem, chain.leaf.keyPem, at(366)).problems)).toEqual([
      'CERTIFICATE_EXPIRED',
    ]);
    expect(examine(certificatePem, chain.leaf.keyPem, at(340))).toMatchObject({
      problems: [],
      warnings: [{ code: 'CERTIFICATE_EXPIRING' }],
    });
    const early = await makeChain({ from: 5 });
    expect(examine(early.upload.certificatePem, early.leaf.keyPem)).toMatchObject({
      problems: [],
      warnings: [{ code: 'CERTIFICATE_EXPIRED', message: expect.stringContaining('not valid before') }],
    });
  });

  it('says everything that is wrong with it at once', async () => {
    const bad = await make({
      key: 'rsa1024',
      hash: 'SHA-1',
      until: -0.5,
      usages: ['1.3.6.1.5.5.7.3.2'],
      issuer: other,
    });
    const { problems } = examine(pems(bad, chain.root));

    expect(codes(problems)).toEqual([
      'CHAIN_BROKEN',
      'CERTIFICATE_EXPIRED',
      'KEY_TOO_WEAK',
      'KEY_TOO_WEAK',
      'CERTIFICATE_NOT_FOR_SERVERS',
      'PRIVATE_KEY_MISMATCH',
    ]);
  });

  it.each([
    ['rsa1024', 'SHA-256', ['KEY_TOO_WEAK']],
    ['rsa2048', 'SHA-256', []],
    ['p384', 'SHA-256', []],
  ] as const)('with a key of %s signed with %s is judged by both', async (key, hash, expected) => {
    const made = await make({ key, hash, names: ['mx'] });
    expect(codes(examine(made.pem, made.keyPem).problems)).toEqual(expected);
  });

  it('signed with SHA-1 by another is refused', async () => {
    const issuer = await make({ subject: 'CN=Old', isAuthority: true });
    const made = await make({ issuer, names: ['mx'], hash: 'SHA-1' });
    const { problems } = examine(pems(made, issuer), made.keyPem);
    expect(problems).toMatchObject([
      { code: 'KEY_TOO_WEAK', message: expect.stringContaining('SHA-256 or better') },
    ]);
  });

  it('without names, of an authority, or with a key that few know, is warned of', async () => {
    const plain = await make();
    expect(codes(examine(plain.pem, plain.keyPem).warnings)).toEqual(['CERTIFICATE_WITHOUT_NAMES']);
    const authority = await make({ isAuthority: true, names: ['mx'] });
    expect(codes(examine(authority.pem, authority.keyPem).warnings)).toEqual(['CERTIFICATE_IS_AUTHORITY']);
    const edwards = await make({ key: 'ed25519', names: ['mx'] });
    expect(codes(examine(edwards.pem, edwards.keyPem).warnings)).toEqual(['KEY_RARELY_SUPPORTED']);
  });

  it('meant for servers or for anything is taken', async () => {
    for (const usage of ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']) {
      const made = await make({ names: ['mx'], usages: [usage] });
      expect(examine(made.pem, made.keyPem).problems).toEqual([]);
    }
  });

  it.each([
    ['nothing', 'no pem at all'],
    ['a key in its place', () => chain.leaf.keyPem],
    ['a block without end', () => chain.leaf.pem.replace('-----END CERTIFICATE-----', '')],
    ['a block cut short', () => chain.leaf.pem.replace(/\n[A-Za-z0-9+/=]+\n-----END/, '\n-----END')],
    ['dashes of a word processor', () => chain.leaf.pem.replaceAll('-----', '—----')],
    ['base64 that is none', () => chain.leaf.pem.replace('MII', 'M!I')],
  ])('that is %s is refused', (_, text) => {
    expect(codes(examine(typeof text === 'string' ? text : text()).problems)).toEqual([
      'CERTIFICATE_PEM_INVALID',
    ]);
  });

  it('of more certificates than a chain has is refused', () => {
    const { problems } = examine(chain.leaf.pem + chain.root.pem.repeat(10));
    expect(codes(problems)).toEqual(['CERTIFICATE_PEM_INVALID']);
  });
});

describe('a private key', () => {
  it('is taken as PKCS #8, PKCS #1 and SEC 1, and kept as PKCS #8', async () => {
    const key = createPrivateKey(chain.leaf.keyPem);
    const sec1 = String(key.export({ type: 'sec1', format: 'pem' }));
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect(examine(chain.upload.certificatePem, parameters + sec1)).toMatchObject({
      problems: [],
      made: { privateKeyPem: chain.leaf.keyPem },
    });
    expect(codes(examine(other.pem, keyForms().pkcs1).problems)).toEqual(['PRIVATE_KEY_MISMATCH']);
  });

  it('that is encrypted is refused with what to do', () => {
    for (const text of [keyForms().encrypted, keyForms().legacy]) {
      const { problems } = examine(chain.upload.certificatePem, text);
      expect(problems).toMatchObject([{ pointer: '/privateKeyPem', code: 'PRIVATE_KEY_INVALID' }]);
      expect(problems[0]?.message).toContain('openssl pkey');
    }
  });

  it('is told together with what is wrong with the certificate, and never repeated', () => {
    const marker = 'MARKERmarkerMARKER';
    const { problems } = examine('x', `-----BEGIN PRIVATE KEY-----\n${marker}!\n-----END PRIVATE KEY-----\n`);
    expect(codes(problems)).toEqual(['CERTIFICATE_PEM_INVALID', 'PRIVATE_KEY_INVALID']);
    expect(JSON.stringify(problems)).not.toContain(marker);
  });

  it('is one', () => {
    expect(codes(examine(chain.upload.certificatePem, chain.leaf.keyPem.repeat(2)).problems)).toEqual([
      'PRIVATE_KEY_INVALID',
    ]);
  });
});

describe('certificates of authorities', () => {
  it('are taken in any order, each once', () => {
    const { root, intermediate } = chain;
    const { problems, certificates, certificatePem } = examineAuthorities(
      pems(root, intermediate, root),
      now,
    );

    expect(problems).toEqual([]);
    expect(certificates.map(({ subject }) => subject)).toEqual(['CN=Root', 'CN=Intermediate']);
    expect(certificatePem.match(/BEGIN/g)).toHaveLength(2);
  });

  it('are refused where one is no authority, has expired or is weak: each is named', async () => {
    const expired = await make({ subject: 'CN=Gone', isAuthority: true, until: -0.5 });
    const weak = await make({ subject: 'CN=Weak', isAuthority: true, key: 'rsa1024' });
    const { problems } = examineAuthorities(pems(chain.root, chain.leaf, expired, weak), now);

    expect(codes(problems)).toEqual([
      'CERTIFICATE_AUTHORITY_EXPECTED',
      'CERTIFICATE_EXPIRED',
      'KEY_TOO_WEAK',
    ]);
    expect(problems[0]?.message).toContain('ertificate 2');
    expect(problems[1]?.message).toContain('CN=Gone');
  });
});
