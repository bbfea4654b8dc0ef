import type { SmtpDesired } from '../messages/shadow.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import type { Configuration, Head } from './configuration.ts';

/** Null and absent are the same in a shadow: null members are left out. */
const withoutNull = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));

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

/**
 * `desired` of the shadow `smtp` for a head, or null while nothing is configured. Only lists of sections that take
 * clients are named: a Scanner fetches what it needs.
 */
export const desiredOf = (head: Head): SmtpDesired | null => {
  const { smtp, lists } = head.configuration;
  if (!smtp) return null;
  const { mailFiltering, inbound, outbound, authentication } = smtp;
  return {
    revision: head.revision,
    mailFiltering,
    ...(inbound ? { inbound: withoutNull(inbound) as SmtpDesired['inbound'] } : {}),
    ...(outbound ? { outbound: withoutNull(outbound) as SmtpDesired['outbound'] } : {}),
    ...(authentication
      ? { authentication: withoutNull(authentication) as SmtpDesired['authentication'] }
      : {}),
    lists: listsOf(smtp, lists),
  };
};
