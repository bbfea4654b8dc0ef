import {
  clientAuthoritiesArtifact,
  directorySourcesArtifact,
  domainBindingsArtifact,
} from '../shared/domain/artifacts.ts';
import { sections } from '../shared/domain/sections.ts';
import { tlsOf } from '../shared/domain/tls.ts';
import type { SmtpDesired } from '../shared/messages/shadow.ts';
import { certificateId, type SmtpSettings } from '../shared/schemas/smtp.ts';
import { type Refusal, unknownMember } from './refusal.ts';

const known = [clientAuthoritiesArtifact, directorySourcesArtifact, domainBindingsArtifact];

/** Names become those of files, so nothing else is taken for one. */
const isKnown = (name: string): boolean => known.includes(name) || certificateId.safeParse(name).success;

interface Need {
  artifact: string;
  pointer: string;
}

const needsOfTls = (desired: SmtpDesired): Need[] =>
  sections.flatMap((section) => {
    const tls = tlsOf(desired as SmtpSettings, section);
    if (!tls?.accept) return [];
    const pointer = `/${section}/tls`;
    const verifies = 'clientCertificate' in tls && tls.clientCertificate !== 'none';
    return [
      ...(tls.certificateId ? [{ artifact: tls.certificateId, pointer: `${pointer}/certificateId` }] : []),
      ...(verifies ? [{ artifact: clientAuthoritiesArtifact, pointer: `${pointer}/clientCertificate` }] : []),
    ];
  });

const needsOfSource = ({ authentication }: SmtpDesired): Need[] =>
  authentication?.enabled === true && authentication.source?.type === 'ldap'
    ? [{ artifact: directorySourcesArtifact, pointer: '/authentication/source' }]
    : [];

/** What the settings need but the configuration does not hold, and artifacts that this Scanner does not know. */
export const artifactRefusals = (desired: SmtpDesired): Refusal[] => {
  const { artifacts = {} } = desired;
  const unknown = Object.keys(artifacts).filter((name) => !isKnown(name));
  const missing = [...needsOfTls(desired), ...needsOfSource(desired)].filter(
    ({ artifact }) => !Object.hasOwn(artifacts, artifact),
  );
  return [
    ...unknown.map((name) => unknownMember(['artifacts', name])),
    ...missing.map(({ artifact, pointer }) => ({
      pointer,
      message: `This needs the artifact "${artifact}", which "artifacts" does not name.`,
    })),
  ];
};
