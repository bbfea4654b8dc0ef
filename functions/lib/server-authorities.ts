import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { requireEnv } from './env.ts';

const amazonRoots = (): string =>
  rootCertificates.filter((pem) => /^O=Amazon$/m.test(new X509Certificate(pem).subject)).join('\n');

/**
 * Certificates, in PEM, by which a Scanner knows the MQTT endpoint: those the stack was deployed with, or Amazon's roots out of
 * Node's own store (AWS IoT developer guide, "Server authentication").
 */
export const serverAuthorities = (): string => requireEnv('MQTT_SERVER_CA') || amazonRoots();
