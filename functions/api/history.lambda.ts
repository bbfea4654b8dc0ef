import { resourceHandler } from '../lib/http.ts';
import { diffRevision } from './history/diff-revision.ts';
import { getRevision } from './history/get-revision.ts';
import { listAudit } from './history/list-audit.ts';
import { listFleetAudit } from './history/list-fleet-audit.ts';
import { listRevisions } from './history/list-revisions.ts';
import { restoreRevision } from './history/restore-revision.ts';

export const handler = resourceHandler([
  diffRevision,
  getRevision,
  listAudit,
  listFleetAudit,
  listRevisions,
  restoreRevision,
]);
