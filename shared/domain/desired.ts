import type { SmtpAdvancedDesired, SmtpDesired } from '../messages/shadow.ts';
import type { AdvancedSettings } from '../schemas/advanced.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { type Artifacts, ownArtifacts } from './artifacts.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Configuration, Head } from './configuration.ts';
import type { Hash } from './lists/chunks.ts';
import { isObject } from './sections.ts';

/** Null and absent are the same in a shadow: null members are left out, at any depth. */
const withoutNull = <T extends object>(value: T): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([name, member]) => [name, isObject(member) ? withoutNull(member) : member]),
  );

const listsOf = (settings: SmtpSettings, lists: Configuration['lists']): SmtpDesired['lists'] => {
  const named = {
    inbound: settings.inbound !== undefined,
    outbound: settings.outbound !== undefined,
    authentication: settings.authentication?.enabled === true,
    'local-delivery': settings.inbound !== undefined,
    relay: settings.outbound?.nonLocalDelivery === 'relay',
  };
  const entries = (Object.keys(named) as (keyof typeof named)[])
    .filter((name) => named[name])
    .map((name) => [name, { root: lists[name].root, entries: lists[name].entries }]);
  return Object.fromEntries(entries);
};

/** Lists that a Scanner needs for a head, by name: those of sections that take clients, and of hosts that mail goes to. */
export const desiredLists = ({ configuration: { smtp, lists } }: Head): SmtpDesired['lists'] =>
  smtp ? listsOf(smtp, lists) : {};

/** `desired` of the shadow `smtp-advanced`: all but what has no bound. */
export const advancedOf = (advanced: AdvancedSettings): SmtpAdvancedDesired => {
  const { domains: _, ...bindings } = advanced.bindings;
  return withoutNull({ ...advanced, bindings }) as SmtpAdvancedDesired;
};

/** The digest by which the shadow `smtp` names the state of the shadow `smtp-advanced` that belongs to it (DESIGN 5). */
export const digestOfAdvanced = (advanced: object, hash: Hash): string =>
  hash(canonicalJson(advanced as Json));

/** `desired` of the two shadows of a head, which belong together. */
export interface Desired {
  smtp: SmtpDesired;
  advanced: SmtpAdvancedDesired;
}

const artifactsMember = (artifacts: Artifacts) => (Object.keys(artifacts).length === 0 ? {} : { artifacts });

/**
 * What a Scanner should run, as its shadows say it, or null while nothing is configured. Only lists of sections that take clients are
 * named: a Scanner fetches what it needs.
 */
export const desiredOf = (head: Head, hash: Hash): Desired | null => {
  const { smtp, advanced, artifacts } = head.configuration;
  if (!smtp) return null;
  const advancedDesired = advancedOf(advanced);
  const { mailFiltering, ...sections } = smtp;
  return {
    advanced: advancedDesired,
    smtp: {
      revision: head.revision,
      mailFiltering,
      ...withoutNull(sections),
      lists: desiredLists(head),
      advanced: digestOfAdvanced(advancedDesired, hash),
      ...artifactsMember({ ...artifacts, ...ownArtifacts(advanced, hash) }),
    } as SmtpDesired,
  };
};
