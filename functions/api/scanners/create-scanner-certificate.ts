import { AppError } from '../../../shared/errors.ts';
import { createScannerCertificate as operation } from '../../../shared/operations/create-scanner-certificate.ts';
import { requireEnv } from '../../lib/env.ts';
import { httpStack } from '../../lib/http.ts';
import { serverAuthorities } from '../../lib/server-authorities.ts';
import {
  bindCertificate,
  certificateFromCsr,
  certificatesOf,
  ensureThing,
  mqttEndpoint,
  retireCertificates,
} from '../../stores/registry.ts';
import { getScanner, recordCertificate } from '../../stores/scanners.ts';
import { once } from '../write.ts';

/**
 * Every step may be repeated, so whatever a crash leaves behind is mended by enrolling again. Of enrolments at the same time one is
 * recorded, and its certificate alone stays active: it retires those that it found before it was recorded, the others their own.
 */
export const createScannerCertificate = httpStack(operation, (call) =>
  once(call, async (remember) => {
    const { scannerId, certificateId: previous } = await getScanner(call.params.scannerId);
    const mqtt = await mqttEndpoint();
    await ensureThing(scannerId, requireEnv('THING_TYPE_NAME'));
    const found = await certificatesOf(scannerId);
    const { certificateId, certificateArn, certificatePem } = await certificateFromCsr(call.body.csr);
    await bindCertificate(scannerId, certificateArn, requireEnv('SCANNER_POLICY_NAME'));
    const body = { certificatePem, caPem: serverAuthorities(), mqtt, thingName: scannerId };
    const answer = { status: 201, body };
    const asked = { actor: call.actor, operation: operation.id, at: call.now };
    const recording = { previous, certificateId };
    const kept = remember ? [remember(answer)] : [];
    const recorded = await recordCertificate(scannerId, asked, recording, kept);
    await retireCertificates(scannerId, recorded ? found : [certificateArn]);
    if (!recorded) throw new AppError('ENROLMENT_CONFLICT');
    return answer;
  }),
);
