import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 3600 * 1000;

/** A certificate issued to a device. */
export interface IssuedCertificate {
  pem: string;
  /** DER, whose SHA-256 is the certificate's id. */
  raw: Uint8Array;
  notBefore: Date;
  notAfter: Date;
}

/** The local certificate authority: signs the broker's own certificate and those of devices. */
export interface Authority {
  /** Where the authority's certificate is, for clients to trust. */
  caPath: string;
  caPem: string;
  /** A fresh certificate and key for a server on loopback: 127.0.0.1, ::1 and localhost. */
  serverCertificate(): Promise<{ cert: string; key: string }>;
  /**
   * Issues a device certificate for a PKCS#10 request in PEM. The same request twice gives two certificates.
   * @throws CsrError when the request is malformed, its signature wrong, or its key not RSA of at least 2,048 bits
   * or EC on P-256, P-384 or P-521 (CreateCertificateFromCsr, AWS IoT API reference).
   */
  issue(csrPem: string): Promise<IssuedCertificate>;
}

/** A certificate signing request that cannot be used. */
export class CsrError extends Error {
  override readonly name = 'CsrError';
}

// Written under another name first: a half-written key or certificate must never be found at the next start.
const writeSecret = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), algorithm, false, ['sign']);

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40; // positive, and of one length
  return bytes.toString('hex');
};

const createAuthority = async (keyPath: string, caPath: string): Promise<void> => {
  const keys = await generateKeys();
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Embedded stack authority',
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + 3650 * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeSecret(keyPath, await exportKey(keys.privateKey));
  writeSecret(caPath, `${certificate.toString('pem')}\n`);
};

const readRequest = (csrPem: string): x509.Pkcs10CertificateRequest => {
  try {
    return new x509.Pkcs10CertificateRequest(csrPem);
  } catch (error) {
    throw new CsrError('The request is not a PKCS#10 request in PEM', { cause: error });
  }
};

const checkKey = (key: x509.PublicKey): void => {
  const given = key.algorithm as { name: string; namedCurve?: string; modulusLength?: number };
  const good = given.name.startsWith('RSA')
    ? (given.modulusLength ?? 0) >= 2048
    : ['P-256', 'P-384', 'P-521'].includes(given.namedCurve ?? '');
  if (!good) throw new CsrError('The key must be RSA of at least 2048 bits, or EC on P-256, P-384 or P-521');
};

const checkSignature = async (request: x509.Pkcs10CertificateRequest): Promise<void> => {
  const good = await request.verify().catch(() => false);
  if (!good) throw new CsrError('The signature of the request is wrong');
};

const deviceExtensions = async (publicKey: x509.PublicKey): Promise<x509.Extension[]> => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  await x509.SubjectKeyIdentifierExtension.create(publicKey),
];

const serverExtensions = (): x509.Extension[] => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  new x509.SubjectAlternativeNameExtension([
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' },
    { type: 'dns', value: 'localhost' },
  ]),
];

/**
 * Opens the authority kept under `dir`, or makes it there: an EC P-256 key (mode 0600) and its certificate.
 * Validity is counted by the system's clock, which the TLS libraries of clients go by.
 */
export const openAuthority = async (dir: string): Promise<Authority> => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const [keyPath, caPath] = [join(dir, 'ca.key'), join(dir, 'ca.pem')];
  if (!existsSync(keyPath) || !existsSync(caPath)) await createAuthority(keyPath, caPath);
  const caPem = readFileSync(caPath, 'utf8');
  const signingKey = await importKey(readFileSync(keyPath, 'utf8'));
  const issuer = new x509.X509Certificate(caPem).subject;

  const sign = (options: {
    subject: string;
    publicKey: x509.PublicKey | webcrypto.CryptoKey;
    notBefore: Date;
    notAfter: Date;
    extensions: x509.Extension[];
  }): Promise<x509.X509Certificate> =>
    x509.X509CertificateGenerator.create({
      ...options,
      serialNumber: serialNumber(),
      issuer,
      signingKey,
      signingAlgorithm: algorithm,
    });

  const serverCertificate = async () => {
    const keys = await generateKeys();
    const certificate = await sign({
      subject: 'CN=localhost',
      publicKey: keys.publicKey,
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Date.now() + 365 * dayMs),
      extensions: serverExtensions(),
    });
    return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
  };

  const issue = async (csrPem: string): Promise<IssuedCertificate> => {
    const request = readRequest(csrPem);
    checkKey(request.publicKey);
    await checkSignature(request);
    const certificate = await sign({
      subject: 'CN=AWS IoT Certificate',
      publicKey: request.publicKey,
      notBefore: new Date(Date.now() - 2 * 60 * 1000),
      notAfter: new Date('2049-12-31T23:59:59Z'),
      extensions: await deviceExtensions(request.publicKey),
    });
    const { notBefore, notAfter } = certificate;
    const raw = new Uint8Array(certificate.rawData);
    return { pem: `${certificate.toString('pem')}\n`, raw, notBefore, notAfter };
  };

  return { caPath, caPem, serverCertificate, issue };
};
