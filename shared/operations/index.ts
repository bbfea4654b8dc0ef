import { addEntries } from './add-entries.ts';
import { addHost } from './add-host.ts';
import { cancelImport } from './cancel-import.ts';
import { cancelRollout } from './cancel-rollout.ts';
import { clearEntries } from './clear-entries.ts';
import { confirmImport } from './confirm-import.ts';
import { copyAccessList } from './copy-access-list.ts';
import { createCertificate } from './create-certificate.ts';
import { createClientAuthority } from './create-client-authority.ts';
import { createDirectorySource } from './create-directory-source.ts';
import { createImport } from './create-import.ts';
import { createRollout } from './create-rollout.ts';
import { createScanner } from './create-scanner.ts';
import { createScannerCertificate } from './create-scanner-certificate.ts';
import type { Operation } from './define.ts';
import { deleteCertificate } from './delete-certificate.ts';
import { deleteClientAuthority } from './delete-client-authority.ts';
import { deleteDirectorySource } from './delete-directory-source.ts';
import { deleteEntry } from './delete-entry.ts';
import { deleteHost } from './delete-host.ts';
import { deleteScanner } from './delete-scanner.ts';
import { diffRevision } from './diff-revision.ts';
import { exportAccessList } from './export-access-list.ts';
import { getAccessList } from './get-access-list.ts';
import { getCertificate } from './get-certificate.ts';
import { getClientAuthority } from './get-client-authority.ts';
import { getDirectorySource } from './get-directory-source.ts';
import { getEntry } from './get-entry.ts';
import { getFleet } from './get-fleet.ts';
import { getHealth } from './get-health.ts';
import { getImport } from './get-import.ts';
import { getImportReport } from './get-import-report.ts';
import { getOpenapi } from './get-openapi.ts';
import { getRevision } from './get-revision.ts';
import { getRollout } from './get-rollout.ts';
import { getScanner } from './get-scanner.ts';
import { getSmtp } from './get-smtp.ts';
import { getSmtpAdvanced } from './get-smtp-advanced.ts';
import { getSync } from './get-sync.ts';
import { haltRollout } from './halt-rollout.ts';
import { lintAccessList } from './lint-access-list.ts';
import { listAudit } from './list-audit.ts';
import { listCertificates } from './list-certificates.ts';
import { listClientAuthorities } from './list-client-authorities.ts';
import { listDirectorySources } from './list-directory-sources.ts';
import { listEntries } from './list-entries.ts';
import { listFleetAudit } from './list-fleet-audit.ts';
import { listHosts } from './list-hosts.ts';
import { listImports } from './list-imports.ts';
import { listRevisions } from './list-revisions.ts';
import { listRolloutTargets } from './list-rollout-targets.ts';
import { listRollouts } from './list-rollouts.ts';
import { listScanners } from './list-scanners.ts';
import { matchAccessList } from './match-access-list.ts';
import { patchEntry } from './patch-entry.ts';
import { patchScanner } from './patch-scanner.ts';
import { patchSmtp } from './patch-smtp.ts';
import { patchSmtpAdvanced } from './patch-smtp-advanced.ts';
import { putCertificate } from './put-certificate.ts';
import { putClientAuthority } from './put-client-authority.ts';
import { putDirectorySource } from './put-directory-source.ts';
import { putHost } from './put-host.ts';
import { putSmtp } from './put-smtp.ts';
import { putSmtpAdvanced } from './put-smtp-advanced.ts';
import { removeEntries } from './remove-entries.ts';
import { restoreRevision } from './restore-revision.ts';
import { resumeRollout } from './resume-rollout.ts';
import { revertRollout } from './revert-rollout.ts';
import { syncScanner } from './sync-scanner.ts';

/** Every operation. For infra, the embedded gateway, OpenAPI and the client's types; a handler imports its own operation's file. */
export const operations = [
  addEntries,
  addHost,
  cancelImport,
  cancelRollout,
  clearEntries,
  confirmImport,
  copyAccessList,
  createCertificate,
  createClientAuthority,
  createDirectorySource,
  createImport,
  createRollout,
  createScanner,
  createScannerCertificate,
  deleteCertificate,
  deleteClientAuthority,
  deleteDirectorySource,
  deleteEntry,
  deleteHost,
  deleteScanner,
  diffRevision,
  exportAccessList,
  getAccessList,
  getCertificate,
  getClientAuthority,
  getDirectorySource,
  getEntry,
  getHealth,
  getImport,
  getImportReport,
  getOpenapi,
  getRevision,
  getRollout,
  getScanner,
  getSmtp,
  getSmtpAdvanced,
  getFleet,
  getSync,
  haltRollout,
  syncScanner,
  lintAccessList,
  listAudit,
  listCertificates,
  listClientAuthorities,
  listDirectorySources,
  listEntries,
  listFleetAudit,
  listHosts,
  listImports,
  listRevisions,
  listRolloutTargets,
  listRollouts,
  listScanners,
  matchAccessList,
  patchEntry,
  patchScanner,
  patchSmtp,
  patchSmtpAdvanced,
  putCertificate,
  putClientAuthority,
  putDirectorySource,
  putHost,
  putSmtp,
  putSmtpAdvanced,
  removeEntries,
  restoreRevision,
  resumeRollout,
  revertRollout,
] as const satisfies readonly Operation[];
