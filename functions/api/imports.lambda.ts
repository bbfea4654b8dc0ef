import { resourceHandler } from '../lib/http.ts';
import { cancelImport } from './imports/cancel-import.ts';
import { confirmImport } from './imports/confirm-import.ts';
import { createImport } from './imports/create-import.ts';
import { getImport } from './imports/get-import.ts';
import { getImportReport } from './imports/get-import-report.ts';
import { listImports } from './imports/list-imports.ts';

export const handler = resourceHandler([
  cancelImport,
  confirmImport,
  createImport,
  getImport,
  getImportReport,
  listImports,
]);
