import { authorityWarnings } from '../../../shared/domain/chain.ts';
import { mostClientAuthorities } from '../../../shared/domain/directory-sources.ts';
import { isObject } from '../../../shared/domain/sections.ts';
import type { Problem } from '../../../shared/errors.ts';
import type { ClientAuthority, ClientAuthorityInput } from '../../../shared/schemas/certificates.ts';
import { invalid } from '../../lib/http.ts';
import { examineAuthorities } from '../../lib/x509.ts';
import type { AuthorityMember, StoredAuthority } from '../../stores/client-authorities.ts';
import { shownAuthority } from '../../stores/client-authorities.ts';
import type { Edit } from '../../stores/collections.ts';
import { assertNameFree, assertRoom, memberOf } from './members.ts';

/** What the certificates say, judged also where the rest of the body is wrong. */
export const authorityRules = (body: unknown, now: Date): Problem[] =>
  isObject(body) && typeof body['certificatePem'] === 'string'
    ? examineAuthorities(body['certificatePem'], now).problems
    : [];

/** An authority, and what a look at it today says. */
export const authorityDocument = (stored: StoredAuthority, now: Date): ClientAuthority => ({
  ...stored,
  warnings: authorityWarnings(stored.certificates, now),
});

export const memberDocument = (member: AuthorityMember | null, now: Date): ClientAuthority =>
  authorityDocument(shownAuthority(member as AuthorityMember), now);

const examined = ({ name, certificatePem: given }: ClientAuthorityInput, now: Date) => {
  const { problems, certificates, certificatePem } = examineAuthorities(given, now);
  if (problems.length > 0) throw invalid(problems);
  return { name, certificates, certificatePem };
};

const inOrder = (members: AuthorityMember[]): AuthorityMember[] =>
  [...members].sort((one, other) => (one.id < other.id ? -1 : 1));

export const addAuthority = (
  members: AuthorityMember[],
  id: string,
  given: ClientAuthorityInput,
  now: Date,
): Edit<AuthorityMember> => {
  assertNameFree(members, given.name);
  assertRoom(members, mostClientAuthorities);
  const at = now.toISOString();
  const own = { id, clientAuthorityId: id, version: 1, createdAt: at, updatedAt: at };
  const after = { ...own, ...examined(given, now) };
  return { members: inOrder([...members, after]), id, before: null, after };
};

export const replaceAuthority = (
  members: AuthorityMember[],
  given: ClientAuthorityInput,
  { id, ifMatch, now }: { id: string; ifMatch: number | '*' | undefined; now: Date },
): Edit<AuthorityMember> => {
  const before = memberOf(members, id, ifMatch);
  assertNameFree(members, given.name, id);
  const made = examined(given, now);
  const same = before.name === made.name && before.certificatePem === made.certificatePem;
  const after = same
    ? before
    : { ...before, ...made, version: before.version + 1, updatedAt: now.toISOString() };
  return { members: members.map((one) => (one.id === id ? after : one)), id, before, after };
};
