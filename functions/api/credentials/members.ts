import { AppError } from '../../../shared/errors.ts';
import type { Edit } from '../../stores/collections.ts';
import { assertVersion } from '../../stores/fleet-artifacts.ts';

interface Named {
  id: string;
  name: string;
  version: number;
}

const fold = (name: string): string => name.normalize('NFC').toLowerCase();

/** NAME_TAKEN where another member has the name; case makes no difference. */
export const assertNameFree = (members: readonly Named[], name: string, but?: string): void => {
  if (members.some((one) => one.id !== but && fold(one.name) === fold(name)))
    throw new AppError('NAME_TAKEN', `Another one is called "${name}"; case makes no difference.`);
};

/** TOO_MANY where there are as many as there may be. */
export const assertRoom = (members: readonly Named[], most: number): void => {
  if (members.length >= most) throw new AppError('TOO_MANY', `There are ${most}, as many as there may be.`);
};

/** The member that a path names, if it has the version that the caller saw. NOT_FOUND where there is none. */
export const memberOf = <T extends Named>(
  members: readonly T[],
  id: string,
  ifMatch: number | '*' | undefined,
): T => {
  const found = members.find((one) => one.id === id);
  if (!found) throw new AppError('NOT_FOUND', `There is no ${id}.`);
  assertVersion(found.version, ifMatch);
  return found;
};

/** Takes a member out. */
export const removeMember = <T extends Named>(
  members: readonly T[],
  id: string,
  ifMatch: number | '*' | undefined,
): Edit<T> => {
  const before = memberOf(members, id, ifMatch);
  return { members: members.filter((one) => one.id !== id), id, before, after: null };
};
