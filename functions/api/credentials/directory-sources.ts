import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import {
  canonicalSource,
  keptPasswordProblems,
  mostDirectorySources,
  passwordAfter,
} from '../../../shared/domain/directory-sources.ts';
import type { DirectorySourceInput } from '../../../shared/schemas/directory-sources.ts';
import { invalid } from '../../lib/http.ts';
import type { Edit } from '../../stores/collections.ts';
import type { SourceMember } from '../../stores/directory-sources.ts';
import { assertNameFree, assertRoom, memberOf } from './members.ts';

/** Members of one order, so that the same set is the same text. */
const inOrder = (members: SourceMember[]): SourceMember[] =>
  [...members].sort((one, other) => (one.id < other.id ? -1 : 1));

const madeOf = (
  id: string,
  given: DirectorySourceInput,
  rest: Pick<SourceMember, 'bindPassword' | 'passwordChangedAt' | 'version' | 'createdAt' | 'updatedAt'>,
): SourceMember => ({ id, directorySourceId: id, ...canonicalSource(given), ...rest });

export const addSource = (
  members: SourceMember[],
  id: string,
  given: DirectorySourceInput,
  now: Date,
): Edit<SourceMember> => {
  assertNameFree(members, given.name);
  assertRoom(members, mostDirectorySources);
  const at = now.toISOString();
  const bindPassword = passwordAfter(given.bindPassword, null);
  const passwordChangedAt = bindPassword === null ? null : at;
  const times = { version: 1, createdAt: at, updatedAt: at };
  const after = madeOf(id, given, { bindPassword, passwordChangedAt, ...times });
  return { members: inOrder([...members, after]), id, before: null, after };
};

const isSame = (one: SourceMember, other: SourceMember): boolean => {
  const { version, updatedAt } = one;
  return (
    canonicalJson(one as unknown as Json) ===
    canonicalJson({ ...other, version, updatedAt } as unknown as Json)
  );
};

export const replaceSource = (
  members: SourceMember[],
  given: DirectorySourceInput,
  { id, ifMatch, now }: { id: string; ifMatch: number | '*' | undefined; now: Date },
): Edit<SourceMember> => {
  const before = memberOf(members, id, ifMatch);
  assertNameFree(members, given.name, id);
  const problems = keptPasswordProblems(given, before);
  if (problems.length > 0) throw invalid(problems);
  const { createdAt, version } = before;
  const updatedAt = now.toISOString();
  const bindPassword = passwordAfter(given.bindPassword, before.bindPassword);
  const passwordChangedAt = bindPassword === before.bindPassword ? before.passwordChangedAt : updatedAt;
  const kept = { createdAt, version: version + 1, updatedAt };
  const made = madeOf(id, given, { bindPassword, passwordChangedAt, ...kept });
  const after = isSame(before, made) ? before : made;
  return { members: inOrder(members.map((one) => (one.id === id ? after : one))), id, before, after };
};
