import { clientAuthoritiesArtifact } from '../../shared/domain/artifacts.ts';
import type { ClientAuthority } from '../../shared/schemas/certificates.ts';
import { type Collection, listMembers, readMember } from './collections.ts';

export type StoredAuthority = Omit<ClientAuthority, 'warnings'>;

export interface AuthorityMember extends StoredAuthority {
  id: string;
  certificatePem: string;
}

/** An authority as it is answered. What to warn of depends on the day, so it is not stored. */
export const shownAuthority = ({ id: _, certificatePem: __, ...shown }: AuthorityMember): StoredAuthority =>
  shown;

/** The certificates by which Scanners verify those of clients, all of them one after the other. */
export const clientAuthorities: Collection<AuthorityMember> = {
  artifact: clientAuthoritiesArtifact,
  inUse: 'CLIENT_AUTHORITY_IN_USE',
  isUsed: () => true,
  shown: shownAuthority,
  recorded: ({ clientAuthorityId, name, certificates, version }) => ({
    clientAuthorityId,
    name,
    certificates: certificates.map(({ subject, notAfter, fingerprintSha256 }) => ({
      subject,
      notAfter,
      fingerprintSha256,
    })),
    version,
  }),
  content: (used) => ({ certificatePem: used.map(({ certificatePem }) => certificatePem).join('') }),
};

export const readClientAuthority = (id: string) => readMember<StoredAuthority>(clientAuthoritiesArtifact, id);

export const listClientAuthorities = (page: { limit: number; cursor?: string | undefined }) =>
  listMembers<StoredAuthority>(clientAuthoritiesArtifact, page);
