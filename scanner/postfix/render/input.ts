import * as z from 'zod/mini';
import { clientAuthoritiesArtifact, domainBindingsArtifact } from '../../../shared/domain/artifacts.ts';
import type { Desired } from '../../../shared/domain/desired.ts';
import { readPem } from '../../../shared/domain/pem.ts';
import { settingsOnly } from '../../../shared/domain/settings.ts';
import { type AdvancedSettings, advancedSettings } from '../../../shared/schemas/advanced.ts';
import type { HostInput } from '../../../shared/schemas/hosts.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { type SmtpSettings, smtpSettings } from '../../../shared/schemas/smtp.ts';
import { parsedJson } from '../../parsed-json.ts';
import { type Refusal, refusalOf } from '../../refusal.ts';
import type { Place } from './place.ts';

/** Everything that a configuration of Postfix is made of. */
export interface RenderInput {
  /** The version that is rendered; that of the place where it differs from none before it. */
  name: string;
  desired: Desired;
  /** The hosts of the two lists, in any order. */
  hosts: { localDelivery: readonly HostInput[]; relay: readonly HostInput[] };
  /** The texts of artifacts by their names, as a version folder holds them. */
  artifacts: ReadonlyMap<string, string>;
  /** Access lists that have an enabled domain, for which names of clients must be looked up. In a list domains come last. */
  withDomains: readonly AccessListName[];
  place: Place;
}

/** The same, read: what a shadow leaves out is there again, and texts are what they hold. */
export interface Configuration {
  name: string;
  revision: number;
  smtp: SmtpSettings;
  advanced: AdvancedSettings;
  hosts: RenderInput['hosts'];
  withDomains: ReadonlySet<AccessListName>;
  /** Key and chain of each certificate, by its id, as one PEM text. */
  certificates: ReadonlyMap<string, string>;
  clientAuthorities: string | null;
  place: Place;
}

const certificateArtifact = z.object({ certificatePem: z.string(), privateKeyPem: z.string() });
const authoritiesArtifact = z.object({ certificatePem: z.string() });

const blocksOf = (pem: string, isWanted: (label: string) => boolean): string => {
  const blocks = readPem(pem);
  return typeof blocks === 'string'
    ? ''
    : blocks
        .filter(({ label }) => isWanted(label))
        .map(({ text }) => text)
        .join('');
};

const certificates = (pem: string): string => blocksOf(pem, (label) => label === 'CERTIFICATE');
const keys = (pem: string): string => blocksOf(pem, (label) => label.endsWith('PRIVATE KEY'));

/** The key first, as `smtpd_tls_chain_files` wants it. */
const chainFile = (text: string): string | null => {
  const { data } = certificateArtifact.safeParse(parsedJson(text));
  const [key, chain] = data ? [keys(data.privateKeyPem), certificates(data.certificatePem)] : ['', ''];
  return key !== '' && chain !== '' ? key + chain : null;
};

const authoritiesFile = (text: string): string | null => {
  const { data } = authoritiesArtifact.safeParse(parsedJson(text));
  return (data && certificates(data.certificatePem)) || null;
};

const unusable = (name: string): Refusal => ({
  pointer: `/artifacts/${name}`,
  message: `What the artifact "${name}" holds cannot be used by this Scanner.`,
});

type Read<T> = { value: T } | { refusals: Refusal[] };

const readAdvanced = ({ desired, artifacts }: RenderInput): Read<AdvancedSettings> => {
  const text = artifacts.get(domainBindingsArtifact);
  const domains = text === undefined ? [] : parsedJson(text);
  const bindings = { ...desired.advanced.bindings, domains };
  const parsed = advancedSettings.safeParse({ ...desired.advanced, bindings });
  if (parsed.success) return { value: parsed.data };
  const isDomains = ({ path }: z.core.$ZodIssue) => path[0] === 'bindings' && path[1] === 'domains';
  return {
    refusals: parsed.error.issues.map((issue) =>
      isDomains(issue) ? unusable(domainBindingsArtifact) : refusalOf(issue, '/advanced'),
    ),
  };
};

const readSmtp = ({ desired }: RenderInput): Read<SmtpSettings> => {
  const parsed = smtpSettings.safeParse(settingsOnly(desired.smtp as never));
  return parsed.success
    ? { value: parsed.data }
    : { refusals: parsed.error.issues.map((issue) => refusalOf(issue)) };
};

const readCertificates = ({ artifacts }: RenderInput): Read<Map<string, string>> => {
  const named = [...artifacts].filter(([name]) => name.startsWith('cert-'));
  const read = named.map(([name, text]) => [name, chainFile(text)] as const);
  const bad = read.filter(([, file]) => file === null);
  return bad.length > 0
    ? { refusals: bad.map(([name]) => unusable(name)) }
    : { value: new Map(read.map(([name, file]) => [name, file ?? ''])) };
};

const readAuthorities = ({ artifacts }: RenderInput): Read<string | null> => {
  const text = artifacts.get(clientAuthoritiesArtifact);
  const value = text === undefined ? null : authoritiesFile(text);
  return text !== undefined && value === null
    ? { refusals: [unusable(clientAuthoritiesArtifact)] }
    : { value };
};

/** Reads what came in; all that cannot be read at once. */
export const readInput = (input: RenderInput): Configuration | Refusal[] => {
  const smtp = readSmtp(input);
  const advanced = readAdvanced(input);
  const chains = readCertificates(input);
  const authorities = readAuthorities(input);
  if ('value' in smtp && 'value' in advanced && 'value' in chains && 'value' in authorities)
    return {
      name: input.name,
      revision: input.desired.smtp.revision,
      smtp: smtp.value,
      advanced: advanced.value,
      hosts: input.hosts,
      withDomains: new Set(input.withDomains),
      certificates: chains.value,
      clientAuthorities: authorities.value,
      place: input.place,
    };
  return [smtp, advanced, chains, authorities].flatMap((one) => ('refusals' in one ? one.refusals : []));
};
