import type { Certificate, CertificateDetails, ClientAuthority } from '../schemas/certificates.ts';
import type { DirectorySource } from '../schemas/directory-sources.ts';
import type { Examples } from './define.ts';
import { at, certificateId, cursor, pem, scannerId } from './nouns.ts';

const clientAuthorityId = 'authority-5e0c3a527d0b4c7e';
const directorySourceId = 'directory-5e0c3a527d0b4c7e';

const once = { dryRun: 'false' };
const page = { cursor, limit: '50' };

const details: CertificateDetails = {
  subject: 'CN=mx.example.com',
  subjectAlternativeNames: ['mx.example.com', '192.0.2.10'],
  issuer: 'CN=Example Issuing Authority,O=Example',
  serialNumber: '04D2162E',
  notBefore: '2025-12-01T00:00:00.000Z',
  notAfter: '2026-12-01T00:00:00.000Z',
  fingerprintSha256: 'a3c9f1d25be04f7786e0c1b94d8f3a6217c5e9d04b8a6f12d7e3c05b9a1f4e86',
};

const unassigned: Certificate = {
  certificateId,
  name: 'mx.example.com 2026',
  ...details,
  chainLength: 2,
  keyType: 'RSA 2048',
  assignedTo: [],
  version: 1,
  createdAt: at,
  updatedAt: at,
  warnings: [
    {
      pointer: '/certificatePem',
      code: 'CERTIFICATE_EXPIRING',
      message: '"mx.example.com 2026" expires at 2026-12-01T00:00:00.000Z.',
    },
  ],
};
const { assignedTo: _, ...listed } = unassigned;
const assigned: Certificate = { ...unassigned, assignedTo: [scannerId, 'mx2'] };

const renewed: Certificate = {
  ...assigned,
  name: 'mx.example.com 2027',
  serialNumber: '05A3917C',
  notBefore: '2026-11-24T00:00:00.000Z',
  notAfter: '2027-11-24T00:00:00.000Z',
  fingerprintSha256: '5d1e8c72f09a4b36c8e2d7f4a1b05936e7c4f8d2a9b160357ec8d4f2b1a69035',
  version: 2,
  warnings: [],
};

const certificateBody = (name: string) => ({
  name,
  certificatePem: pem('CERTIFICATE') + pem('CERTIFICATE'),
  privateKeyPem: pem('PRIVATE KEY'),
});

const authority: ClientAuthority = {
  clientAuthorityId,
  name: 'Partners',
  certificates: [
    {
      ...details,
      subject: 'CN=Partner Root,O=Partner',
      subjectAlternativeNames: [],
      issuer: 'CN=Partner Root,O=Partner',
      serialNumber: '01',
      notAfter: '2035-12-01T00:00:00.000Z',
    },
  ],
  version: 1,
  createdAt: at,
  updatedAt: at,
  warnings: [],
};

const authorityBody = { name: 'Partners', certificatePem: pem('CERTIFICATE') };

const connection = {
  name: 'Staff directory',
  functions: ['authentication', 'recipient-validation'],
  host: 'ldap.example.com',
  port: 389,
  tls: 'start-tls',
  bindDn: 'cn=scanner,ou=services,dc=example,dc=com',
  baseDn: 'ou=people,dc=example,dc=com',
  userFilter: '(&(objectClass=person)(mail=%s))',
  timeoutSeconds: 10,
} satisfies Partial<DirectorySource>;

const source: DirectorySource = {
  directorySourceId,
  ...connection,
  hasBindPassword: true,
  passwordChangedAt: at,
  version: 1,
  createdAt: at,
  updatedAt: at,
  warnings: [],
};

export const credentialExamples = {
  'list-certificates': { query: page, returns: { 200: { items: [listed], nextCursor: cursor } } },
  'create-certificate': {
    query: once,
    body: certificateBody(unassigned.name),
    returns: { 201: unassigned },
  },
  'get-certificate': { params: { certificateId }, returns: { 200: assigned } },
  'put-certificate': {
    params: { certificateId },
    query: once,
    body: certificateBody(renewed.name),
    returns: { 200: renewed },
  },
  'delete-certificate': { params: { certificateId }, query: once, returns: { 200: unassigned } },
  'list-client-authorities': { query: page, returns: { 200: { items: [authority] } } },
  'create-client-authority': { query: once, body: authorityBody, returns: { 201: authority } },
  'get-client-authority': { params: { clientAuthorityId }, returns: { 200: authority } },
  'put-client-authority': {
    params: { clientAuthorityId },
    query: once,
    body: { ...authorityBody, name: 'Partners and suppliers' },
    returns: { 200: { ...authority, name: 'Partners and suppliers', version: 2 } },
  },
  'delete-client-authority': { params: { clientAuthorityId }, query: once, returns: { 200: authority } },
  'list-directory-sources': { query: page, returns: { 200: { items: [source] } } },
  'create-directory-source': {
    query: once,
    body: { ...connection, bindPassword: 'correct horse battery staple' },
    returns: { 201: source },
  },
  'get-directory-source': { params: { directorySourceId }, returns: { 200: source } },
  'put-directory-source': {
    params: { directorySourceId },
    query: once,
    body: { ...connection, timeoutSeconds: 20 },
    returns: { 200: { ...source, timeoutSeconds: 20, version: 2 } },
  },
  'delete-directory-source': { params: { directorySourceId }, query: once, returns: { 200: source } },
} satisfies Partial<Examples>;
