import { getScanner as operation } from '../../../shared/operations/get-scanner.ts';
import { httpStack } from '../../lib/http.ts';
import { readState } from '../../stores/status.ts';
import { scannerAnswer } from './answer.ts';

export const getScanner = httpStack(operation, async ({ params }) => ({
  status: 200,
  body: scannerAnswer(await readState(params.scannerId)),
}));
