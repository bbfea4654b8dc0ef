import { judgeEdit } from '../../../shared/domain/access-lists.ts';
import { addEntries as operation } from '../../../shared/operations/add-entries.ts';
import { httpStack } from '../../lib/http.ts';
import { editList } from './edit-list.ts';

export const addEntries = httpStack(operation, (call) => {
  const asked = call.body.entries.map((entry, index) => ({ ...entry, pointer: `/entries/${index}/value` }));
  const edit = judgeEdit(asked);
  return editList(call, operation.id, () => edit);
});
