import { judgeEdit } from '../../../shared/domain/access-lists.ts';
import { deleteEntry as operation } from '../../../shared/operations/delete-entry.ts';
import { httpStack } from '../../lib/http.ts';
import { readValues } from '../../stores/lists.ts';
import { editList } from './edit-list.ts';
import { entryNotFound, namedEntry } from './named-entry.ts';

export const deleteEntry = httpStack(operation, (call) => {
  const named = namedEntry(call.query.value);
  return editList(call, operation.id, async (present) => {
    if (!(await readValues(present, [named])).has(named.value)) throw entryNotFound(named.value);
    return judgeEdit([{ pointer: '/query/value', value: named.value, gone: true }]);
  });
});
