import { resourceHandler } from '../lib/http.ts';
import { createScanner } from './scanners/create-scanner.ts';
import { createScannerCertificate } from './scanners/create-scanner-certificate.ts';
import { getFleet } from './scanners/get-fleet.ts';
import { getScanner } from './scanners/get-scanner.ts';
import { getSync } from './scanners/get-sync.ts';
import { listScanners } from './scanners/list-scanners.ts';
import { patchScanner } from './scanners/patch-scanner.ts';
import { syncScanner } from './scanners/sync-scanner.ts';

export const handler = resourceHandler([
  createScanner,
  createScannerCertificate,
  getFleet,
  getScanner,
  getSync,
  listScanners,
  patchScanner,
  syncScanner,
]);
