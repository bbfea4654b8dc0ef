import { judgeEdit } from '../../../shared/domain/access-lists.ts';
import type { Manifest } from '../../../shared/domain/lists/chunks.ts';
import { AppError } from '../../../shared/errors.ts';
import { clearEntries as operation } from '../../../shared/operations/clear-entries.ts';
import { httpStack } from '../../lib/http.ts';
import { build, readEntries } from '../../stores/lists.ts';
import { auditedValues, changeList, type Planned } from './edit-list.ts';

/** Nothing is left; of what was there as much is read as the audit keeps. */
const emptied = async (present: Manifest): Promise<Planned> => {
  const first = await readEntries(present, 0, Math.min(present.entries, auditedValues));
  const counts = { added: 0, removed: present.entries, changed: 0, unchanged: 0 };
  const touched = first.map((before) => ({ value: before.value, before }));
  return { edit: judgeEdit([]), edited: { built: build([]), counts, touched } };
};

export const clearEntries = httpStack(operation, (call) =>
  changeList(call, operation.id, async (present) => {
    const { entries } = present;
    if (call.body.entries !== entries)
      throw new AppError('COUNT_MISMATCH', `The list has ${entries} entries, not ${call.body.entries}.`, {
        data: { entries },
      });
    return emptied(present);
  }),
);
