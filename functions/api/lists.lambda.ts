import { resourceHandler } from '../lib/http.ts';
import { addEntries } from './lists/add-entries.ts';
import { addHost } from './lists/add-host.ts';
import { clearEntries } from './lists/clear-entries.ts';
import { copyAccessList } from './lists/copy-access-list.ts';
import { deleteEntry } from './lists/delete-entry.ts';
import { deleteHost } from './lists/delete-host.ts';
import { exportAccessList } from './lists/export-access-list.ts';
import { getAccessList } from './lists/get-access-list.ts';
import { getEntry } from './lists/get-entry.ts';
import { lintAccessList } from './lists/lint-access-list.ts';
import { listEntries } from './lists/list-entries.ts';
import { listHosts } from './lists/list-hosts.ts';
import { matchAccessList } from './lists/match-access-list.ts';
import { patchEntry } from './lists/patch-entry.ts';
import { putHost } from './lists/put-host.ts';
import { removeEntries } from './lists/remove-entries.ts';

export const handler = resourceHandler([
  addEntries,
  addHost,
  clearEntries,
  copyAccessList,
  deleteEntry,
  deleteHost,
  exportAccessList,
  getAccessList,
  getEntry,
  lintAccessList,
  listEntries,
  listHosts,
  matchAccessList,
  patchEntry,
  putHost,
  removeEntries,
]);
