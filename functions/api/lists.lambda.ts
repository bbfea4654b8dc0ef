import { resourceHandler } from '../lib/http.ts';
import { addEntries } from './lists/add-entries.ts';
import { getAccessList } from './lists/get-access-list.ts';
import { listEntries } from './lists/list-entries.ts';
import { removeEntries } from './lists/remove-entries.ts';

export const handler = resourceHandler([addEntries, getAccessList, listEntries, removeEntries]);
