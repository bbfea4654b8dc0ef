import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

const dayMs = 86_400_000;

export type KeyChoice = 'p256' | 'p384' | 'rsa2048' | 'rsa1024' | 'ed25519';

const algorithms: Record<KeyChoice, object> = {
  p256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  rsa2048: rsa(2048),
  rsa1024: rsa(1024),
  ed25519: { name: 'Ed25519' },
};

function rsa(modulusLength: number) {
  return {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
}

export interface Made {
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
  /** Certificate and key in PEM. */
  pem: string;
  keyPem: string;
}

export interface Wanted {
  subject?: string;
  names?: string[];
  addresses?: string[];
  key?: KeyChoice;
  issuer?: Made;
  isAuthority?: boolean;
  usages?: string[];
  /** Days from now. */
  from?: number;
  until?: number;
  hash?: 'SHA-1' | 'SHA-256';
}

const keysOf = (choice: KeyChoice): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithms[choice] as never, true, ['sign', 'verify']) as never;

const extensionsOf = ({
  names = [],
  addresses = [],
  isAuthority = false,
  usages,
}: Wanted): x509.Extension[] => [
  new x509.BasicConstraintsExtension(isAuthority, undefined, true),
  ...(names.length + addresses.length > 0
    ? [
        new x509.SubjectAlternativeNameExtension([
          ...names.map((value) => ({ type: 'dns' as const, value })),
          ...addresses.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ]
    : []),
  ...(usages ? [new x509.ExtendedKeyUsageExtension(usages)] : []),
];

/** A certificate with its key; self-signed without an issuer. */
export const make = async (wanted: Wanted = {}): Promise<Made> => {
  const { subject = 'CN=mx.example.com', key = 'p256', issuer, from = -1, until = 365 } = wanted;
  const keys = await keysOf(key);
  const signer = issuer ?? { keys };
  const algorithm = signer.keys.privateKey.algorithm;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `4${randomBytes(8).toString('hex').slice(1)}`,
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: { ...algorithm, hash: wanted.hash ?? 'SHA-256' } as never,
    notBefore: new Date(Date.now() + from * dayMs),
    notAfter: new Date(Date.now() + until * dayMs),
    extensions: extensionsOf(wanted),
  });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as never);
  return {
    certificate,
    keys,
    pem: `${certificate.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`,
  };
};

export interface ServerChain {
  root: Made;
  intermediate: Made;
  leaf: Made;
  /** Leaf and intermediate, and the leaf's key: what a PUT or POST takes. */
  upload: { certificatePem: string; privateKeyPem: string };
}

/** A server's certificate under an intermediate authority under a root. */
export const makeChain = async (wanted: Wanted = {}): Promise<ServerChain> => {
  const root = await make({ subject: 'CN=Root', isAuthority: true, until: 3650 });
  const intermediate = await make({
    subject: 'CN=Intermediate',
    isAuthority: true,
    issuer: root,
    until: 1000,
  });
  const leaf = await make({ names: ['mx.example.com'], issuer: intermediate, ...wanted });
  const certificatePem = leaf.pem + intermediate.pem;
  return { root, intermediate, leaf, upload: { certificatePem, privateKeyPem: leaf.keyPem } };
};

/** A key in forms that only OpenSSL's older tools write, with its certificate's public half unknown to anyone. */
export const keyForms = (): { key: KeyObject; pkcs1: string; encrypted: string; legacy: string } => {
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = (options: object) => String(key.export({ format: 'pem', ...options } as never));
  const locked = { cipher: 'aes-256-cbc', passphrase: 'secret' };
  return {
    key,
    pkcs1: pem({ type: 'pkcs1' }),
    encrypted: pem({ type: 'pkcs8', ...locked }),
    legacy: pem({ type: 'pkcs1', ...locked }),
  };
};
