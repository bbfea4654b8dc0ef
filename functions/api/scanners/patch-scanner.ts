import { mergePatch } from '../../../shared/domain/merge-patch.ts';
import { problemsOf } from '../../../shared/domain/validation.ts';
import { patchScanner as operation } from '../../../shared/operations/patch-scanner.ts';
import { newScanner } from '../../../shared/schemas/scanner.ts';
import { httpStack, invalid } from '../../lib/http.ts';
import { changeScanner, getScanner } from '../../stores/scanners.ts';
import { readState } from '../../stores/status.ts';
import { scannerAnswer } from './answer.ts';

export const patchScanner = httpStack(operation, async ({ params, body }) => {
  const { scannerId, hostName, description, labels, enabled } = await getScanner(params.scannerId);
  const patched = mergePatch({ scannerId, hostName, description, labels, enabled }, body);
  const checked = newScanner.safeParse(patched);
  if (!checked.success) throw invalid(problemsOf(checked.error, patched));
  const { scannerId: _, ...change } = checked.data;
  await changeScanner(scannerId, change);
  return { status: 200, body: scannerAnswer(await readState(scannerId)) };
});
