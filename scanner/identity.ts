import 'reflect-metadata'; // must be there before @peculiar/x509
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import * as z from 'zod/mini';
import type { Enrolment } from './control-plane.ts';
import { makeFolder } from './make-folder.ts';
import { writeWhole } from './write-whole.ts';

/** What a Scanner connects with. The private key was made here and is told to nobody. */
export interface Identity {
  privateKeyPem: string;
  certificatePem: string;
  caPem: string;
  mqtt: { host: string; port: number };
}

const endpointSchema = z.object({ host: z.string(), port: z.int() });

const fileNames = {
  privateKeyPem: 'private-key.pem',
  certificatePem: 'certificate.pem',
  caPem: 'ca.pem',
  mqtt: 'mqtt.json',
} as const;

const isUsable = ({ privateKeyPem, certificatePem }: Identity, now: Date): boolean => {
  const certificate = new X509Certificate(certificatePem);
  return certificate.checkPrivateKey(createPrivateKey(privateKeyPem)) && certificate.validToDate > now;
};

/** The identity kept in `dir`; null when there is none, or none that still works: files of two enrolments, or an expired certificate. */
export const readIdentity = async (dir: string, now: Date): Promise<Identity | null> => {
  const text = (name: keyof typeof fileNames) => readFile(join(dir, fileNames[name]), 'utf8');
  try {
    const identity = {
      privateKeyPem: await text('privateKeyPem'),
      certificatePem: await text('certificatePem'),
      caPem: await text('caPem'),
      mqtt: endpointSchema.parse(JSON.parse(await text('mqtt'))),
    };
    return isUsable(identity, now) ? identity : null;
  } catch {
    return null;
  }
};

/** Keeps an identity in `dir`. After a crash in between the files do not match, and the Scanner enrols again. */
export const keepIdentity = async (dir: string, identity: Identity): Promise<void> => {
  await makeFolder({ mkdir }, dir);
  const write = (name: keyof typeof fileNames, text: string, mode: number) =>
    writeWhole(join(dir, fileNames[name]), text, mode);
  await write('privateKeyPem', identity.privateKeyPem, 0o600);
  await write('certificatePem', identity.certificatePem, 0o644);
  await write('caPem', identity.caPem, 0o644);
  await write('mqtt', `${JSON.stringify(identity.mqtt)}\n`, 0o644);
};

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Makes a P-256 key, has `enrol` get a certificate for its signing request (PKCS #10, PEM), and answers the two together. */
export const makeIdentity = async (
  scannerId: string,
  enrol: (csr: string) => Promise<Enrolment>,
): Promise<Identity> => {
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${scannerId}`,
    keys,
    signingAlgorithm: p256,
  });
  const { certificatePem, caPem, mqtt } = await enrol(request.toString('pem'));
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { privateKeyPem: x509.PemConverter.encode(key, 'PRIVATE KEY'), certificatePem, caPem, mqtt };
};
