import { resourceHandler } from '../lib/http.ts';
import { createCertificate } from './credentials/create-certificate.ts';
import { createClientAuthority } from './credentials/create-client-authority.ts';
import { createDirectorySource } from './credentials/create-directory-source.ts';
import { deleteCertificate } from './credentials/delete-certificate.ts';
import { deleteClientAuthority } from './credentials/delete-client-authority.ts';
import { deleteDirectorySource } from './credentials/delete-directory-source.ts';
import { getCertificate } from './credentials/get-certificate.ts';
import { getClientAuthority } from './credentials/get-client-authority.ts';
import { getDirectorySource } from './credentials/get-directory-source.ts';
import { listCertificates } from './credentials/list-certificates.ts';
import { listClientAuthorities } from './credentials/list-client-authorities.ts';
import { listDirectorySources } from './credentials/list-directory-sources.ts';
import { putCertificate } from './credentials/put-certificate.ts';
import { putClientAuthority } from './credentials/put-client-authority.ts';
import { putDirectorySource } from './credentials/put-directory-source.ts';

export const handler = resourceHandler([
  createCertificate,
  createClientAuthority,
  createDirectorySource,
  deleteCertificate,
  deleteClientAuthority,
  deleteDirectorySource,
  getCertificate,
  getClientAuthority,
  getDirectorySource,
  listCertificates,
  listClientAuthorities,
  listDirectorySources,
  putCertificate,
  putClientAuthority,
  putDirectorySource,
]);
