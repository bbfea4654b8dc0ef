import { mergePatch } from '../../../shared/domain/merge-patch.ts';
import { problemsOf } from '../../../shared/domain/validation.ts';
import { patchScanner as operation } from '../../../shared/operations/patch-scanner.ts';
import { newScanner } from '../../../shared/schemas/scanner.ts';
import { type Call, httpStack, invalid } from '../../lib/http.ts';
import { changeScanner, type ScannerChange, type ScannerRecord } from '../../stores/scanners.ts';
import { readState } from '../../stores/status.ts';
import { registrationTag, scannerAnswer } from './answer.ts';

type Patch = Call<typeof operation>['body'];

const patched = (present: ScannerRecord, patch: Patch): ScannerChange => {
  const { scannerId, hostName, description, labels, enabled } = present;
  const merged = mergePatch({ scannerId, hostName, description, labels, enabled }, patch);
  const checked = newScanner.safeParse(merged);
  if (!checked.success) throw invalid(problemsOf(checked.error, merged));
  const next = checked.data;
  return {
    hostName: next.hostName,
    description: next.description,
    labels: next.labels,
    enabled: next.enabled,
  };
};

export const patchScanner = httpStack(
  operation,
  async ({ params, query: { dryRun }, body, ifMatch, actor, now }) => {
    const asked = { actor, operation: operation.id, at: now, dryRun, ifMatch };
    const scanner = await changeScanner(params.scannerId, asked, (present) => patched(present, body));
    const state = { ...(await readState(params.scannerId)), scanner };
    return { status: 200, body: scannerAnswer(state), headers: dryRun ? {} : registrationTag(scanner) };
  },
);
