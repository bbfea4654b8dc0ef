import { putCertificate as operation } from '../../../shared/operations/put-certificate.ts';
import { httpStack } from '../../lib/http.ts';
import { replaceCertificate } from '../../stores/certificates.ts';
import { firstUsers } from '../../stores/fleet-artifacts.ts';
import {
  askedBy,
  certificateDocument,
  certificateRules,
  validCertificate,
  versioned,
} from './certificates.ts';

export const putCertificate = httpStack(
  operation,
  async (call) => {
    const { certificateId } = call.params;
    const { made, warnings } = validCertificate(call.body, call.now);
    const record = await replaceCertificate(certificateId, made, askedBy(call, operation.id));
    const users = await firstUsers(certificateId);
    return versioned(200, certificateDocument(record, users, warnings), call);
  },
  certificateRules,
);
