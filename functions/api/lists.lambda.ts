import { resourceHandler } from '../lib/http.ts';
import { addEntries } from './lists/add-entries.ts';
import { addHost } from './lists/add-host.ts';
import { deleteHost } from './lists/delete-host.ts';
import { getAccessList } from './lists/get-access-list.ts';
import { listEntries } from './lists/list-entries.ts';
import { listHosts } from './lists/list-hosts.ts';
import { putHost } from './lists/put-host.ts';
import { removeEntries } from './lists/remove-entries.ts';

export const handler = resourceHandler([
  addEntries,
  addHost,
  deleteHost,
  getAccessList,
  listEntries,
  listHosts,
  putHost,
  removeEntries,
]);
