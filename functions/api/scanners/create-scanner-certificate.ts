import { createScannerCertificate as operation } from '../../../shared/operations/create-scanner-certificate.ts';
import { requireEnv } from '../../lib/env.ts';
import { httpStack } from '../../lib/http.ts';
import { serverAuthorities } from '../../lib/server-authorities.ts';
import {
  bindCertificate,
  certificateFromCsr,
  ensureThing,
  mqttEndpoint,
  retireOtherCertificates,
} from '../../stores/registry.ts';
import { getScanner, recordCertificate } from '../../stores/scanners.ts';

/**
 * Every step may be repeated, so whatever a crash leaves behind is mended by enrolling again: only the certificate
 * that is recorded stays active.
 */
export const createScannerCertificate = httpStack(operation, async ({ params, body }) => {
  const { scannerId } = await getScanner(params.scannerId);
  const mqtt = await mqttEndpoint();
  await ensureThing(scannerId, requireEnv('THING_TYPE_NAME'));
  const { certificateId, certificateArn, certificatePem } = await certificateFromCsr(body.csr);
  await bindCertificate(scannerId, certificateArn, requireEnv('SCANNER_POLICY_NAME'));
  await recordCertificate(scannerId, certificateId);
  await retireOtherCertificates(scannerId, certificateId);
  return { status: 201, body: { certificatePem, caPem: serverAuthorities(), mqtt, thingName: scannerId } };
});
