import { deleteScanner as operation } from '../../../shared/operations/delete-scanner.ts';
import { httpStack } from '../../lib/http.ts';
import { decommissionScanner } from '../../stores/decommissions.ts';
import { readState } from '../../stores/status.ts';
import { registrationTag, scannerAnswer } from './answer.ts';

export const deleteScanner = httpStack(
  operation,
  async ({ params: { scannerId }, query: { dryRun }, ifMatch, actor, now }) => {
    const asked = { actor, operation: operation.id, at: now, dryRun, ifMatch };
    const scanner = await decommissionScanner(scannerId, asked);
    const state = { ...(await readState(scannerId)), scanner };
    return { status: 202, body: scannerAnswer(state), headers: dryRun ? {} : registrationTag(scanner) };
  },
);
