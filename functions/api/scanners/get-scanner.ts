import { getScanner as operation } from '../../../shared/operations/get-scanner.ts';
import { httpStack } from '../../lib/http.ts';
import { readState } from '../../stores/status.ts';
import { registrationTag, scannerAnswer } from './answer.ts';

export const getScanner = httpStack(operation, async ({ params }) => {
  const state = await readState(params.scannerId);
  return { status: 200, body: scannerAnswer(state), headers: registrationTag(state.scanner) };
});
