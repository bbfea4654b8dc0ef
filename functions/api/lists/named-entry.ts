import { type ParsedEntry, parseEntry } from '../../../shared/domain/lists/entry.ts';
import { AppError } from '../../../shared/errors.ts';
import { invalid } from '../../lib/http.ts';

/** The entry that a query names, in its one form; what is wrong with it as a problem of the query. */
export const namedEntry = (text: string, pointer = '/query/value'): ParsedEntry => {
  const parsed = parseEntry(text);
  if (parsed.ok) return parsed;
  const { ok: _, ...problem } = parsed;
  throw invalid([{ pointer, ...problem }]);
};

export const entryNotFound = (value: string): AppError =>
  new AppError('ENTRY_NOT_FOUND', `The list has no entry ${value}.`);
