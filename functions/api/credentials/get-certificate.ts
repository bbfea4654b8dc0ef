import { storedCertificateWarnings } from '../../../shared/domain/chain.ts';
import { getCertificate as operation } from '../../../shared/operations/get-certificate.ts';
import { httpStack } from '../../lib/http.ts';
import { readCertificate } from '../../stores/certificates.ts';
import { firstUsers } from '../../stores/fleet-artifacts.ts';
import { certificateDocument } from './certificates.ts';

export const getCertificate = httpStack(operation, async ({ params: { certificateId }, now }) => {
  const [record, users] = await Promise.all([readCertificate(certificateId), firstUsers(certificateId)]);
  const body = certificateDocument(record, users, storedCertificateWarnings(record, now));
  return { status: 200, body, headers: { etag: `"${record.version}"` } };
});
