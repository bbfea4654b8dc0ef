import {
  artifactsNeeded,
  artifactsOf,
  clientAuthoritiesArtifact,
  directorySourcesArtifact,
} from '../../shared/domain/artifacts.ts';
import type { Configuration, Head } from '../../shared/domain/configuration.ts';
import type { Context } from '../../shared/domain/context.ts';
import { sharesListener } from '../../shared/domain/listeners.ts';
import { countKinds } from '../../shared/domain/lists/chunks.ts';
import type { Acknowledgement } from '../../shared/schemas/common.ts';
import type { SmtpSettings } from '../../shared/schemas/smtp.ts';
import {
  type CertificateRecord,
  type CollectionRecord,
  type FleetArtifact,
  readFleetArtifacts,
} from '../stores/fleet-artifacts.ts';
import { readManifest } from '../stores/lists.ts';
import { readInterfaces } from '../stores/status.ts';

/** Only a listener that both share makes their domain entries worth a look, which costs a manifest each. */
const domainEntriesOf = async (
  settings: SmtpSettings,
  lists: Configuration['lists'],
): Promise<('inbound' | 'outbound')[]> => {
  if (!sharesListener(settings)) return [];
  const names = ['inbound', 'outbound'] as const;
  const counts = await Promise.all(
    names.map(async (name) => countKinds(await readManifest(lists[name].root)).domain),
  );
  return names.filter((_, index) => (counts[index] ?? 0) > 0);
};

const certificatesIn = (records: ReadonlyMap<string, FleetArtifact>): Context['certificates'] =>
  new Map([...records].filter(([name]) => name.startsWith('cert-'))) as Map<string, CertificateRecord>;

/** Members of a collection that Scanners would use. */
const usedIn = (records: ReadonlyMap<string, FleetArtifact>, name: string): number =>
  (records.get(name) as CollectionRecord | undefined)?.used ?? 0;

/** The world that settings are judged against, and the digests of what they need of it. */
export interface World {
  context: Context;
  artifacts: Configuration['artifacts'];
}

/** Reads what settings, wanted over a head with the lists that will be there, are judged against. */
export const readWorld = async (
  present: Head,
  wanted: { smtp: SmtpSettings; lists: Configuration['lists']; advanced: Configuration['advanced'] },
  asked: { acknowledged: readonly Acknowledgement[]; now: Date },
): Promise<World> => {
  const { smtp, lists, advanced } = wanted;
  const [interfaces, records, domainEntries] = await Promise.all([
    readInterfaces(present.scannerId),
    readFleetArtifacts(artifactsNeeded(smtp)),
    domainEntriesOf(smtp, lists),
  ]);
  const digests = new Map([...records].map(([name, { digest }]) => [name, digest]));
  return {
    artifacts: artifactsOf(smtp, digests),
    context: {
      lists,
      advanced,
      advancedBefore: present.configuration.advanced,
      interfaces,
      certificates: certificatesIn(records),
      authenticationSources: usedIn(records, directorySourcesArtifact),
      clientAuthorities: usedIn(records, clientAuthoritiesArtifact),
      domainEntries,
      before: present.configuration.smtp,
      ...asked,
    },
  };
};
