import { addEntries } from './add-entries.ts';
import { addHost } from './add-host.ts';
import { cancelImport } from './cancel-import.ts';
import { clearEntries } from './clear-entries.ts';
import { confirmImport } from './confirm-import.ts';
import { copyAccessList } from './copy-access-list.ts';
import { createImport } from './create-import.ts';
import { createScanner } from './create-scanner.ts';
import { createScannerCertificate } from './create-scanner-certificate.ts';
import type { Operation } from './define.ts';
import { deleteEntry } from './delete-entry.ts';
import { deleteHost } from './delete-host.ts';
import { diffRevision } from './diff-revision.ts';
import { exportAccessList } from './export-access-list.ts';
import { getAccessList } from './get-access-list.ts';
import { getEntry } from './get-entry.ts';
import { getHealth } from './get-health.ts';
import { getImport } from './get-import.ts';
import { getImportReport } from './get-import-report.ts';
import { getOpenapi } from './get-openapi.ts';
import { getRevision } from './get-revision.ts';
import { getScanner } from './get-scanner.ts';
import { getSmtp } from './get-smtp.ts';
import { getSmtpAdvanced } from './get-smtp-advanced.ts';
import { getSync } from './get-sync.ts';
import { lintAccessList } from './lint-access-list.ts';
import { listAudit } from './list-audit.ts';
import { listEntries } from './list-entries.ts';
import { listFleetAudit } from './list-fleet-audit.ts';
import { listHosts } from './list-hosts.ts';
import { listImports } from './list-imports.ts';
import { listRevisions } from './list-revisions.ts';
import { listScanners } from './list-scanners.ts';
import { matchAccessList } from './match-access-list.ts';
import { patchEntry } from './patch-entry.ts';
import { patchScanner } from './patch-scanner.ts';
import { patchSmtp } from './patch-smtp.ts';
import { patchSmtpAdvanced } from './patch-smtp-advanced.ts';
import { putHost } from './put-host.ts';
import { putSmtp } from './put-smtp.ts';
import { putSmtpAdvanced } from './put-smtp-advanced.ts';
import { removeEntries } from './remove-entries.ts';
import { restoreRevision } from './restore-revision.ts';

/** Every operation. For infra, the embedded gateway, OpenAPI and the client's types; a handler imports its own operation's file. */
export const operations = [
  addEntries,
  addHost,
  cancelImport,
  clearEntries,
  confirmImport,
  copyAccessList,
  createImport,
  createScanner,
  createScannerCertificate,
  deleteEntry,
  deleteHost,
  diffRevision,
  exportAccessList,
  getAccessList,
  getEntry,
  getHealth,
  getImport,
  getImportReport,
  getOpenapi,
  getRevision,
  getScanner,
  getSmtp,
  getSmtpAdvanced,
  getSync,
  lintAccessList,
  listAudit,
  listEntries,
  listFleetAudit,
  listHosts,
  listImports,
  listRevisions,
  listScanners,
  matchAccessList,
  patchEntry,
  patchScanner,
  patchSmtp,
  patchSmtpAdvanced,
  putHost,
  putSmtp,
  putSmtpAdvanced,
  removeEntries,
  restoreRevision,
] as const satisfies readonly Operation[];
