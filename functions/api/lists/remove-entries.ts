import { judgeEdit } from '../../../shared/domain/access-lists.ts';
import { removeEntries as operation } from '../../../shared/operations/remove-entries.ts';
import { httpStack } from '../../lib/http.ts';
import { editList } from './edit-list.ts';

export const removeEntries = httpStack(operation, (call) => {
  const asked = call.body.values.map((value, index) => ({
    value,
    gone: true as const,
    pointer: `/values/${index}`,
  }));
  const edit = judgeEdit(asked);
  return editList(call, operation.id, () => edit);
});
