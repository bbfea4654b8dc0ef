import { AppError } from '../../../shared/errors.ts';
import { createScannerCertificate as operation } from '../../../shared/operations/create-scanner-certificate.ts';
import { requireEnv } from '../../lib/env.ts';
import { httpStack } from '../../lib/http.ts';
import { serverAuthorities } from '../../lib/server-authorities.ts';
import { reopenClearing } from '../../stores/decommissions.ts';
import {
  bindCertificate,
  certificateFromCsr,
  certificatesOf,
  ensureThing,
  mqttEndpoint,
  retireCertificates,
} from '../../stores/registry.ts';
import {
  assertRegistered,
  getScanner,
  recordCertificate,
  type ScannerRecord,
} from '../../stores/scanners.ts';
import { once } from '../write.ts';

/**
 * Why an enrolment was not recorded. Where the Scanner was decommissioned meanwhile, the worker that cleared it away may have missed the thing
 * that was made for it, so it is woken again.
 */
const refusal = async ({ scannerId, epoch }: ScannerRecord): Promise<AppError> => {
  const present = await getScanner(scannerId);
  if (present.epoch === epoch && present.decommissionedAt === undefined)
    return new AppError('ENROLMENT_CONFLICT');
  await reopenClearing({ scannerId, epoch });
  return new AppError('SCANNER_DECOMMISSIONED', `Scanner ${scannerId} was decommissioned meanwhile.`);
};

/**
 * Every step may be repeated, so whatever a crash leaves behind is mended by enrolling again. Of enrolments at the same time one is
 * recorded, and its certificate alone stays active: it retires those that it found before it was recorded, the others their own.
 */
export const createScannerCertificate = httpStack(operation, (call) =>
  once(call, async (remember) => {
    const scanner = await getScanner(call.params.scannerId);
    // An earlier try that broke off may have made the thing after the Scanner was cleared away.
    if (scanner.decommissionedAt !== undefined) await reopenClearing(scanner);
    assertRegistered(scanner);
    const { scannerId } = scanner;
    const mqtt = await mqttEndpoint();
    await ensureThing(scannerId, requireEnv('THING_TYPE_NAME'));
    const found = await certificatesOf(scannerId);
    const { certificateId, certificateArn, certificatePem } = await certificateFromCsr(call.body.csr);
    await bindCertificate(scannerId, certificateArn, requireEnv('SCANNER_POLICY_NAME'));
    const body = { certificatePem, caPem: serverAuthorities(), mqtt, thingName: scannerId };
    const answer = { status: 201, body };
    const asked = { actor: call.actor, operation: operation.id, at: call.now };
    const kept = remember ? [remember(answer)] : [];
    const recorded = await recordCertificate(scanner, asked, certificateId, kept);
    await retireCertificates(scannerId, recorded ? found : [certificateArn]);
    if (!recorded) throw await refusal(scanner);
    return answer;
  }),
);
