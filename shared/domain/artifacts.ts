import { type AdvancedSettings, defaultAdvanced } from '../schemas/advanced.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Hash } from './lists/chunks.ts';
import { sections } from './sections.ts';
import { tlsOf } from './tls.ts';

/**
 * Whatever has no bound or is secret never enters a shadow: it is an artifact, named there by the digest of its text (DESIGN 5). Certificates,
 * directory sources and client authorities belong to the fleet; the bindings of domains to one Scanner.
 */
export const directorySourcesArtifact = 'directory-sources';
export const clientAuthoritiesArtifact = 'client-authorities';
export const domainBindingsArtifact = 'domain-bindings';

/** Digests of a configuration's artifacts of the fleet, by name; a certificate's name is its id. */
export type Artifacts = Record<string, string>;

/** Certificates that settings name, each once. */
export const certificatesNamed = (settings: SmtpSettings | null): string[] => [
  ...new Set(
    sections.flatMap((section) => {
      const tls = tlsOf(settings, section);
      return tls?.accept && tls.certificateId !== null ? [tls.certificateId] : [];
    }),
  ),
];

/** True when a section verifies the certificates of clients, for which there must be a client authority. */
export const verifiesClients = (settings: SmtpSettings | null): boolean =>
  sections.some((section) => {
    const tls = tlsOf(settings, section);
    return tls?.accept === true && 'clientCertificate' in tls && tls.clientCertificate !== 'none';
  });

/** True when users are authenticated by the directory sources. */
export const asksDirectories = (settings: SmtpSettings | null): boolean =>
  settings?.authentication?.enabled === true && settings.authentication.source?.type === 'ldap';

/** Artifacts of the fleet that a Scanner with these settings needs. */
export const artifactsNeeded = (settings: SmtpSettings | null): string[] => [
  ...certificatesNamed(settings),
  ...(asksDirectories(settings) ? [directorySourcesArtifact] : []),
  ...(verifiesClients(settings) ? [clientAuthoritiesArtifact] : []),
];

/** The digests of what settings need, as far as they are known. */
export const artifactsOf = (settings: SmtpSettings | null, digests: ReadonlyMap<string, string>): Artifacts =>
  Object.fromEntries(
    artifactsNeeded(settings).flatMap((name) => {
      const digest = digests.get(name);
      return digest === undefined ? [] : [[name, digest]];
    }),
  );

/** Names whose digest differs between two configurations: what a commit must hold to, and what it lets go. */
export const artifactChanges = (
  before: Artifacts,
  after: Artifacts,
): { taken: [string, string][]; left: string[] } => ({
  taken: Object.entries(after).filter(([name, digest]) => before[name] !== digest),
  left: Object.keys(before).filter((name) => after[name] === undefined),
});

/** The text of the artifact with the bindings of domains, or null where there are none. */
export const domainBindingsText = ({ bindings }: AdvancedSettings): string | null =>
  bindings.domains.length === 0 ? null : canonicalJson(bindings.domains.map((domain) => ({ ...domain })));

/** Digests of a Scanner's own artifacts, which its configuration alone decides. */
export const ownArtifacts = (advanced: AdvancedSettings, hash: Hash): Artifacts => {
  const text = domainBindingsText(advanced);
  return text === null ? {} : { [domainBindingsArtifact]: hash(text) };
};

/** The same of a configuration as it is stored, maybe by an earlier version that had no advanced settings: what its objects are named. */
export const ownDigests = ({ advanced }: { advanced?: AdvancedSettings }, hash: Hash): string[] =>
  Object.values(ownArtifacts(advanced ?? defaultAdvanced(), hash));
