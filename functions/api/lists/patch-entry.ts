import { judgePatch } from '../../../shared/domain/access-lists.ts';
import { parseEntry } from '../../../shared/domain/lists/entry.ts';
import { AppError } from '../../../shared/errors.ts';
import { patchEntry as operation } from '../../../shared/operations/patch-entry.ts';
import { httpStack } from '../../lib/http.ts';
import { readValues } from '../../stores/lists.ts';
import { editList } from './edit-list.ts';
import { entryNotFound, namedEntry } from './named-entry.ts';

export const patchEntry = httpStack(operation, (call) => {
  const named = namedEntry(call.query.value);
  const target = parseEntry(call.body.value ?? named.value);
  return editList(call, operation.id, async (present) => {
    const found = await readValues(present, target.ok ? [named, target] : [named]);
    const entry = found.get(named.value);
    if (!entry) throw entryNotFound(named.value);
    if (target.ok && target.value !== named.value && found.has(target.value))
      throw new AppError('ENTRY_EXISTS', `The list has an entry ${target.value} already.`);
    return judgePatch(entry, call.body);
  });
});
