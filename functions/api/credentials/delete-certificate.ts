import { storedCertificateWarnings } from '../../../shared/domain/chain.ts';
import { deleteCertificate as operation } from '../../../shared/operations/delete-certificate.ts';
import { httpStack } from '../../lib/http.ts';
import { deleteCertificate as store } from '../../stores/certificates.ts';
import { askedBy, certificateDocument } from './certificates.ts';

export const deleteCertificate = httpStack(operation, async (call) => {
  const record = await store(call.params.certificateId, askedBy(call, operation.id));
  return { status: 200, body: certificateDocument(record, [], storedCertificateWarnings(record, call.now)) };
});
