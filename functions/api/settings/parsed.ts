import type * as z from 'zod/mini';
import { withWayOut } from '../../../shared/domain/merge-patch.ts';
import { problemsOf } from '../../../shared/domain/validation.ts';
import type { Problem } from '../../../shared/errors.ts';
import { invalid } from '../../lib/http.ts';

/** A patched document, judged as a PUT of it would be: all of its problems at once, those of its shape and those of its rules. */
export const parsedWith = <S extends z.ZodMiniType>(
  schema: S,
  { document, patch }: { document: unknown; patch: unknown },
  rules: Problem[],
): z.output<S> => {
  const parsed = schema.safeParse(document);
  const shape = parsed.success ? [] : problemsOf(parsed.error, document);
  const known = new Set(shape.map((problem) => problem.pointer));
  const more = rules.filter((problem) => !known.has(problem.pointer));
  if (!parsed.success || more.length > 0) throw invalid(withWayOut([...shape, ...more], patch));
  return parsed.data;
};
