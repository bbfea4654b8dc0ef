import { randomBytes } from 'node:crypto';
import { createCertificate as operation } from '../../../shared/operations/create-certificate.ts';
import { httpStack } from '../../lib/http.ts';
import { createCertificate as store } from '../../stores/certificates.ts';
import type { CertificateRecord } from '../../stores/fleet-artifacts.ts';
import { once } from '../write.ts';
import {
  askedBy,
  certificateDocument,
  certificateRules,
  validCertificate,
  versioned,
} from './certificates.ts';

export const createCertificate = httpStack(
  operation,
  (call) =>
    once(call, async (remember) => {
      const { made, warnings } = validCertificate(call.body, call.now);
      const certificateId = `cert-${randomBytes(8).toString('hex')}`;
      const location = `/v1/certificates/${certificateId}`;
      const answerOf = (record: CertificateRecord) =>
        versioned(201, certificateDocument(record, [], warnings), call, location);
      const keep = remember && ((record: CertificateRecord) => remember(answerOf(record)));
      return answerOf(await store(certificateId, made, askedBy(call, operation.id), keep));
    }),
  certificateRules,
);
