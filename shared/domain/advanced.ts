import type { Problem, Warning } from '../errors.ts';
import type { InventoryReported } from '../messages/shadow.ts';
import {
  type AdvancedSettings,
  advancedReadOnly,
  type BindingChoice,
  type DomainBinding,
} from '../schemas/advanced.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { sharedLimitWarnings } from './listeners.ts';
import { canonicalIpv4, canonicalIpv6 } from './lists/addresses.ts';
import { parseDomain } from './lists/domains.ts';
import { mergePatch } from './merge-patch.ts';
import { isObject, type JsonObject, problem } from './sections.ts';

/** Limits of which the first must not be above the second: a limit that can never be reached is a mistake. */
const pairs = [
  ['delivery', 'maxExternalConnectionsPerAddress', 'maxExternalConnections'],
  ['delivery', 'maxInternalConnectionsPerServer', 'maxInternalConnections'],
  ['delivery', 'minRetryMinutes', 'maxRetryMinutes'],
] as const;

const numberAt = (body: JsonObject, section: string, member: string): number | undefined => {
  const holder = body[section];
  const value = isObject(holder) ? holder[member] : undefined;
  return typeof value === 'number' ? value : undefined;
};

const limitProblems = (body: JsonObject, defaults: AdvancedSettings): Problem[] =>
  pairs.flatMap(([section, lesser, greater]) => {
    const known = defaults[section] as JsonObject;
    const [one, other] = [lesser, greater].map(
      (name) => numberAt(body, section, name) ?? Number(known[name]),
    );
    return (one as number) > (other as number)
      ? [
          problem(
            `/${section}/${lesser}`,
            'LIMIT_CONFLICT',
            `${lesser} is above ${greater}, which is ${other}.`,
          ),
        ]
      : [];
  });

/** An address of either family in its one form; null for what is none. */
const canonicalAny = (text: string): string | null => canonicalIpv4(text) ?? canonicalIpv6(text);

const canonicalChoice = (choice: BindingChoice): BindingChoice => canonicalAny(choice) ?? choice;

const names = ['auto', 'inbound', 'outbound'];
const isAddress = (choice: string): boolean => !names.includes(choice);

interface Placed {
  pointer: string;
  choice: string;
}

const classes = ['local', 'nonLocal', 'dynamicallyRouted', 'controlPlane'] as const;

const placedInDomain = (domain: unknown, index: number): Placed[] => {
  const sources = isObject(domain) && Array.isArray(domain['sources']) ? domain['sources'] : [];
  return sources.flatMap((choice, at) =>
    typeof choice === 'string' ? [{ pointer: `/bindings/domains/${index}/sources/${at}`, choice }] : [],
  );
};

/** Every choice that a body has, with where it stands. */
const choicesIn = (body: JsonObject): Placed[] => {
  const bindings = isObject(body['bindings']) ? body['bindings'] : {};
  const domains = Array.isArray(bindings['domains']) ? bindings['domains'] : [];
  return [
    ...classes.flatMap((name) => {
      const choice = bindings[name];
      return typeof choice === 'string' ? [{ pointer: `/bindings/${name}`, choice }] : [];
    }),
    ...domains.flatMap(placedInDomain),
  ];
};

const addressProblems = (body: JsonObject): Problem[] =>
  choicesIn(body)
    .filter(({ choice }) => isAddress(choice) && canonicalAny(choice) === null)
    .map(({ pointer, choice }) =>
      problem(pointer, 'ADDRESS_INVALID', `"${choice}" is no address, and not auto, inbound or outbound.`),
    );

const nameOf = (text: string): string | null => {
  const parsed = parseDomain(text);
  return parsed.ok ? parsed.name : null;
};

const domainsIn = (body: JsonObject): { pointer: string; domain: string }[] => {
  const bindings = isObject(body['bindings']) ? body['bindings'] : {};
  const outbound = isObject(body['outbound']) ? body['outbound'] : {};
  const given = Array.isArray(bindings['domains']) ? bindings['domains'] : [];
  const sender = outbound['defaultSenderDomain'];
  return [
    ...(typeof sender === 'string' ? [{ pointer: '/outbound/defaultSenderDomain', domain: sender }] : []),
    ...given.flatMap((one, index) =>
      isObject(one) && typeof one['domain'] === 'string'
        ? [{ pointer: `/bindings/domains/${index}/domain`, domain: one['domain'] }]
        : [],
    ),
  ];
};

const domainProblems = (body: JsonObject): Problem[] => {
  const seen = new Set<string>();
  return domainsIn(body).flatMap(({ pointer, domain }) => {
    const name = nameOf(domain);
    if (name === null) return [problem(pointer, 'DOMAIN_INVALID', `"${domain}" is not a domain name.`)];
    if (!pointer.startsWith('/bindings')) return [];
    const again = seen.has(name);
    seen.add(name);
    return again
      ? [problem(pointer, 'VALUE_INVALID', `${name} has bindings already; give each domain once.`)]
      : [];
  });
};

/** Every rule of the advanced settings that the document alone decides, judged on the body as it came. */
export const advancedProblems = (body: unknown, defaults: AdvancedSettings): Problem[] =>
  isObject(body) ? [...limitProblems(body, defaults), ...addressProblems(body), ...domainProblems(body)] : [];

const canonicalDomain = ({ domain, sources }: DomainBinding): DomainBinding => ({
  domain: nameOf(domain) ?? domain,
  sources: sources.map(canonicalChoice),
});

const byDomain = (one: DomainBinding, other: DomainBinding): number =>
  one.domain === other.domain ? 0 : one.domain < other.domain ? -1 : 1;

/** The one form in which valid advanced settings are stored. */
export const canonicalAdvanced = (settings: AdvancedSettings): AdvancedSettings => {
  const { inbound, outbound, delivery, bindings, authentication } = settings;
  const sender = outbound.defaultSenderDomain;
  return {
    inbound,
    outbound: { ...outbound, defaultSenderDomain: sender === null ? null : (nameOf(sender) ?? sender) },
    delivery,
    bindings: {
      local: canonicalChoice(bindings.local),
      nonLocal: canonicalChoice(bindings.nonLocal),
      dynamicallyRouted: canonicalChoice(bindings.dynamicallyRouted),
      controlPlane: canonicalChoice(bindings.controlPlane),
      domains: bindings.domains.map(canonicalDomain).sort(byDomain),
    },
    authentication,
  };
};

/** What advanced settings are judged against, besides themselves. */
export interface AdvancedContext {
  smtp: SmtpSettings | null;
  /** As the Scanner reported them; null before it has. */
  interfaces: InventoryReported['interfaces'] | null;
  before: AdvancedSettings;
}

const faultOf = (
  { pointer, choice }: Placed,
  context: AdvancedContext,
  own: Set<string>,
): Problem | undefined => {
  const { smtp, interfaces } = context;
  if (choice === 'inbound' || choice === 'outbound')
    return smtp && !smtp[choice]
      ? problem(pointer, 'BINDING_NOT_AVAILABLE', `The mail filtering mode has no ${choice} listener.`)
      : undefined;
  if (choice === 'auto' || interfaces === null || interfaces.length === 0 || own.has(choice))
    return undefined;
  return problem(
    pointer,
    'ADDRESS_NOT_ON_SCANNER',
    `${choice} is on none of the interfaces that the Scanner reported.`,
  );
};

/** A domain keeps its place in the order of names, so its name tells better than its index what was there before. */
const identityOf = (settings: AdvancedSettings, { pointer, choice }: Placed): string => {
  const [, , , index] = pointer.split('/');
  const domain = settings.bindings.domains[Number(index)]?.domain;
  return `${pointer.startsWith('/bindings/domains/') ? domain : pointer} ${choice}`;
};

/**
 * Bindings name listeners and addresses that the Scanner has. A write is refused only for a binding that it changes; one that was there
 * before is warned of (DESIGN 3).
 */
const bindingVerdict = (
  settings: AdvancedSettings,
  context: AdvancedContext,
): { problems: Problem[]; warnings: Warning[] } => {
  const { interfaces, before } = context;
  const own = new Set((interfaces ?? []).flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6]));
  const kept = new Set(choicesIn(before as never).map((placed) => identityOf(before, placed)));
  const verdict: { problems: Problem[]; warnings: Warning[] } = { problems: [], warnings: [] };
  for (const placed of choicesIn(settings as never)) {
    const fault = faultOf(placed, context, own);
    if (fault) verdict[kept.has(identityOf(settings, placed)) ? 'warnings' : 'problems'].push(fault);
  }
  return verdict;
};

/** What the rest of the world says of advanced settings: their bindings, and limits of a listener that is shared. */
export const advancedVerdict = (
  settings: AdvancedSettings,
  context: AdvancedContext,
): { problems: Problem[]; warnings: Warning[] } => {
  const { problems, warnings } = bindingVerdict(settings, context);
  return { problems, warnings: [...warnings, ...sharedLimitWarnings(context.smtp, settings)] };
};

/** The advanced settings under a merge patch (RFC 7396), as they would be put. Read-only members of the patch are left out. */
export const patchedAdvanced = (present: AdvancedSettings, patch: JsonObject): JsonObject => {
  const asked = Object.entries(patch).filter(
    ([name]) => !(advancedReadOnly as readonly string[]).includes(name),
  );
  return mergePatch(present, Object.fromEntries(asked)) as JsonObject;
};
