import { canonicalIpv4, canonicalIpv6 } from '../../../shared/domain/lists/addresses.ts';
import type { AdvancedSettings, BindingChoice, DomainBinding } from '../../../shared/schemas/advanced.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import type { Refusal } from '../../refusal.ts';

/** Where connections come from, by family; a family without an address is not used. `auto` leaves it to the host's routes. */
export type Source = 'auto' | { readonly ipv4: string | null; readonly ipv6: string | null };

/** Whose mail has addresses of its own. */
export interface DomainSources {
  domain: string;
  sources: Source[];
}

export interface Bindings {
  local: Source;
  nonLocal: Source;
  /** Of outbound mail alone; without it nobody sends from a local domain. */
  domains: DomainSources[];
}

interface Placed {
  choice: BindingChoice;
  pointer: string;
}

const ofListener = (
  { choice, pointer }: Placed,
  smtp: SmtpSettings,
  refuse: (one: Refusal) => void,
): Source => {
  const section = smtp[choice as 'inbound' | 'outbound'];
  if (section) return { ipv4: section.ipv4.address, ipv6: section.ipv6?.address ?? null };
  refuse({ pointer, message: `There is no ${choice} listener whose address could be used.` });
  return 'auto';
};

const ofAddress = ({ choice, pointer }: Placed, refuse: (one: Refusal) => void): Source => {
  const source = { ipv4: canonicalIpv4(choice), ipv6: canonicalIpv6(choice) };
  if (source.ipv4 === null && source.ipv6 === null)
    refuse({ pointer, message: `"${choice}" is no address.` });
  return source;
};

const sourceOf = (placed: Placed, smtp: SmtpSettings, refuse: (one: Refusal) => void): Source => {
  if (placed.choice === 'auto') return 'auto';
  return placed.choice === 'inbound' || placed.choice === 'outbound'
    ? ofListener(placed, smtp, refuse)
    : ofAddress(placed, refuse);
};

/** Bindings of domains travel as an artifact, which is what a pointer can lead to. */
const domainsPointer = '/artifacts/domain-bindings';

const unmet = {
  dynamicallyRouted: 'No mail of a Postfix Scanner is routed by other rules, so only "auto" can be kept.',
  controlPlane: 'A Postfix Scanner sends no mail to its control plane, so only "auto" can be kept.',
} as const;

const unmetRefusals = (bindings: AdvancedSettings['bindings']): Refusal[] =>
  (Object.keys(unmet) as (keyof typeof unmet)[])
    .filter((name) => bindings[name] !== 'auto')
    .map((name) => ({ pointer: `/advanced/bindings/${name}`, message: unmet[name] }));

/** The bindings with listeners as their addresses, and those that no Postfix can keep. */
export const bindingsOf = (
  smtp: SmtpSettings,
  { bindings }: AdvancedSettings,
): { bindings: Bindings; refusals: Refusal[] } => {
  const refusals = unmetRefusals(bindings);
  const refuse = (one: Refusal) => refusals.push(one);
  const of = (name: 'local' | 'nonLocal') =>
    sourceOf({ choice: bindings[name], pointer: `/advanced/bindings/${name}` }, smtp, refuse);
  const ofDomain = ({ domain, sources }: DomainBinding) => ({
    domain,
    sources: sources.map((choice) => sourceOf({ choice, pointer: domainsPointer }, smtp, refuse)),
  });
  return {
    bindings: {
      local: smtp.inbound ? of('local') : 'auto',
      nonLocal: of('nonLocal'),
      domains: smtp.outbound ? bindings.domains.map(ofDomain) : [],
    },
    refusals,
  };
};
