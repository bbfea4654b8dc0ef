import type { Problem, Warning } from '../errors.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import type { ListReferences } from '../schemas/lists.ts';
import {
  type AuthenticationSource,
  type ListenerTls,
  noTls,
  readOnlyMembers,
  type SmtpSettings,
} from '../schemas/smtp.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import { canonicalServer } from './hosts.ts';
import { mergePatch } from './merge-patch.ts';
import {
  canonicalAddress,
  type Family,
  families,
  isEnabled,
  isObject,
  type JsonObject,
  memberOf,
  modeOf,
  problem,
  type Section,
  sections,
  shown,
} from './sections.ts';
import { tlsProblems } from './tls.ts';

const standardPort: Record<Section, number> = { inbound: 25, outbound: 25, authentication: 587 };

const sectionProblems = (body: JsonObject): Problem[] => {
  const mode = modeOf(body);
  if (!mode) return [];
  return sections.flatMap((section) => {
    const visible = shown[mode].includes(section);
    if (!visible && body[section] !== undefined)
      return [
        problem(
          `/${section}`,
          'SECTION_NOT_IN_MODE',
          `The mode "${mode}" has no ${section} section; leave it out.`,
        ),
      ];
    const missing = visible && body[section] === undefined && section !== 'authentication';
    return missing
      ? [problem(`/${section}`, 'SECTION_REQUIRED', `The mode "${mode}" needs the ${section} section.`)]
      : [];
  });
};

/** A host has to have the address itself: the unspecified address, multicast and broadcast are none of its own. */
const notOwnable = (family: Family, address: string): boolean =>
  family === 'ipv4'
    ? /^(0\.|22[4-9]\.|23\d\.|255\.255\.255\.255$)/.test(address)
    : address === '::' || address.startsWith('ff');

const addressProblems = (body: JsonObject): Problem[] =>
  sections.flatMap((section) =>
    families.flatMap((family) => {
      const address = memberOf(body, section, family)?.['address'];
      if (typeof address !== 'string') return [];
      const pointer = `/${section}/${family}/address`;
      const own = canonicalAddress[family](address);
      const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
      if (own === null)
        return [problem(pointer, 'ADDRESS_INVALID', `"${address}" is not an ${name} address.`)];
      return notOwnable(family, own)
        ? [problem(pointer, 'ADDRESS_INVALID', `"${address}" is not an address that a host can listen on.`)]
        : [];
    }),
  );

/** The address and port pair of a listener, or undefined where it is none (another rule says so). */
const pairOf = (body: JsonObject, section: Section, family: Family): string | undefined => {
  const listener = memberOf(body, section, family);
  const address =
    typeof listener?.['address'] === 'string' ? canonicalAddress[family](listener['address']) : null;
  return address === null ? undefined : `${address} ${String(listener?.['port'] ?? standardPort[section])}`;
};

/** Tab row "Authentication mail IP address": its pair differs from the inbound and the outbound pair. */
const conflictProblems = (body: JsonObject): Problem[] => {
  if (!isEnabled(body)) return [];
  return families.flatMap((family) => {
    const own = pairOf(body, 'authentication', family);
    const other = (['inbound', 'outbound'] as const).find((section) => pairOf(body, section, family) === own);
    if (own === undefined || other === undefined) return [];
    return [
      problem(
        `/authentication/${family}`,
        'LISTENER_CONFLICT',
        `The ${other} listener has the same address and port; authentication needs a pair of its own.`,
      ),
    ];
  });
};

/** What an enabled authentication section cannot do without. */
const requiredOfAuthentication = {
  ipv4: 'An enabled authentication section needs its IPv4 listener.',
  source: 'An enabled authentication section needs its source.',
};

const authenticationProblems = (body: JsonObject): Problem[] => {
  const section = body['authentication'];
  if (!isEnabled(body) || !isObject(section)) return [];
  return Object.entries(requiredOfAuthentication)
    .filter(([member]) => section[member] === undefined)
    .map(([member, message]) => problem(`/authentication/${member}`, 'REQUIRED', message));
};

const forwardingHostProblems = (body: JsonObject): Problem[] => {
  const host = memberOf(body, 'authentication', 'source')?.['host'];
  if (typeof host !== 'string' || host === '' || canonicalServer(host) !== null) return [];
  return [
    problem('/authentication/source/host', 'HOST_INVALID', `"${host}" is no address and no host name.`),
  ];
};

/**
 * Every rule of the settings that the document alone decides, judged on the body as it came: rules whose values are
 * there are judged also where other values have the wrong shape, so that all problems are told at once.
 */
export const settingsProblems = (body: unknown): Problem[] =>
  isObject(body)
    ? [
        ...sectionProblems(body),
        ...addressProblems(body),
        ...conflictProblems(body),
        ...authenticationProblems(body),
        ...forwardingHostProblems(body),
        ...tlsProblems(body),
      ]
    : [];

const canonicalListener = (family: Family, listener: { address: string; port: number } | null | undefined) =>
  listener
    ? { address: canonicalAddress[family](listener.address) ?? listener.address, port: listener.port }
    : null;

const canonicalTls = ({ accept, certificateId, require, clientCertificate }: ListenerTls): ListenerTls => ({
  accept,
  certificateId,
  require,
  clientCertificate,
});

const canonicalSource = (source: AuthenticationSource): AuthenticationSource => {
  if (source.type === 'ldap') return { type: 'ldap' };
  const { type, host, port, tls } = source;
  return { type, host: canonicalServer(host) ?? host, port, tls };
};

const canonicalAuthentication = (given: SmtpSettings['authentication']): SmtpSettings['authentication'] => {
  if (!given) return { enabled: false };
  if (!given.enabled && !given.ipv4) return { enabled: false };
  return {
    enabled: given.enabled,
    ...(given.ipv4 ? { ipv4: canonicalListener('ipv4', given.ipv4) ?? given.ipv4 } : {}),
    ipv6: canonicalListener('ipv6', given.ipv6),
    tls: canonicalTls(given.tls ?? noTls),
    ...(given.source ? { source: canonicalSource(given.source) } : {}),
    accept: given.accept ?? 'all',
  };
};

/** The one form in which valid settings are stored: addresses canonical, defaults filled in, members in one order. */
export const canonicalSettings = (settings: SmtpSettings): SmtpSettings => {
  const visible = shown[settings.mailFiltering];
  const { inbound, outbound } = settings;
  return {
    mailFiltering: settings.mailFiltering,
    ...(inbound
      ? {
          inbound: {
            ipv4: canonicalListener('ipv4', inbound.ipv4) ?? inbound.ipv4,
            ipv6: canonicalListener('ipv6', inbound.ipv6),
            tls: canonicalTls(inbound.tls),
            accept: inbound.accept,
          },
        }
      : {}),
    ...(outbound
      ? {
          outbound: {
            ipv4: canonicalListener('ipv4', outbound.ipv4) ?? outbound.ipv4,
            ipv6: canonicalListener('ipv6', outbound.ipv6),
            tls: { accept: outbound.tls.accept, certificateId: outbound.tls.certificateId },
            nonLocalDelivery: outbound.nonLocalDelivery,
          },
        }
      : {}),
    ...(visible.includes('authentication')
      ? { authentication: canonicalAuthentication(settings.authentication) }
      : {}),
  };
};

const emptyMessage = (section: Section) =>
  `The ${section} access list has no enabled entry, so nobody may connect.`;

/** Sections that accept only listed clients while their list has no enabled entry: everybody is locked out. */
const lockedOut = (settings: SmtpSettings, lists: ListReferences): ('inbound' | 'authentication')[] =>
  (['inbound', 'authentication'] as const).filter((section) => {
    const holder = settings[section];
    const on = section === 'inbound' || settings.authentication?.enabled === true;
    return on && holder?.accept === 'listed' && lists[section].enabled === 0;
  });

/**
 * LIST_EMPTY for every section that would lock everybody out, unless acknowledged; then, and for the outbound list, which
 * always decides, warnings (DESIGN 3).
 */
export const emptyListVerdict = (
  settings: SmtpSettings | null,
  lists: ListReferences,
  acknowledged: readonly Acknowledgement[],
): { problems: Problem[]; warnings: Warning[] } => {
  if (!settings) return { problems: [], warnings: [] };
  const found = lockedOut(settings, lists).map((section) =>
    problem(`/${section}/accept`, 'LIST_EMPTY', emptyMessage(section)),
  );
  const outbound =
    settings.outbound && lists.outbound.enabled === 0
      ? [problem('/outbound', 'LIST_EMPTY', emptyMessage('outbound'))]
      : [];
  return acknowledged.includes('empty-list')
    ? { problems: [], warnings: [...found, ...outbound] }
    : { problems: found, warnings: outbound };
};

/** READ_ONLY_IGNORED for each read-only member of the body that is not what is stored. */
export const readOnlyWarnings = (
  body: JsonObject,
  stored: JsonObject,
  members: readonly string[] = readOnlyMembers,
): Warning[] =>
  members
    .filter((name) => name !== 'warnings' && body[name] !== undefined)
    .filter(
      (name) => canonicalJson((body[name] ?? null) as Json) !== canonicalJson((stored[name] ?? null) as Json),
    )
    .map((name) => ({
      pointer: `/${name}`,
      code: 'READ_ONLY_IGNORED',
      message: `"${name}" is read-only and differs from what is stored; it was ignored.`,
    }));

/** True where a section says more than that it is off. */
const holds = (settings: SmtpSettings | null, section: Section): boolean =>
  Object.keys(settings?.[section] ?? {}).some((name) => name !== 'enabled');

/** SECTION_GONE for each section that settings take away: switching back begins with defaults (DESIGN 3), and older revisions still have it. */
export const sectionsGone = (
  { smtp, revision }: { smtp: SmtpSettings | null; revision: number },
  settings: SmtpSettings,
): Warning[] =>
  sections
    .filter((section) => holds(smtp, section) && !holds(settings, section))
    .map((section) => ({
      pointer: `/${section}`,
      code: 'SECTION_GONE',
      message: `The ${section} section goes, and comes back with defaults only. Revision ${revision} has it: read it there, or restore that revision whole.`,
    }));

/** The settings in a body that may carry read-only members. */
export const settingsOnly = ({
  mailFiltering,
  inbound,
  outbound,
  authentication,
}: SmtpSettings): SmtpSettings => ({
  mailFiltering,
  ...(inbound ? { inbound } : {}),
  ...(outbound ? { outbound } : {}),
  ...(authentication ? { authentication } : {}),
});

const hiddenBy = (body: JsonObject): Section[] => {
  const mode = modeOf(body);
  return mode ? sections.filter((section) => !shown[mode].includes(section)) : [];
};

/**
 * The settings under a merge patch (RFC 7396), as they would be put. A section that a new mode hides goes by itself, unless the patch
 * gives it. Read-only members of the patch are left out.
 */
export const patchedSettings = (present: SmtpSettings | null, patch: JsonObject): JsonObject => {
  const given = Object.entries(patch).filter(
    ([name]) => !(readOnlyMembers as readonly string[]).includes(name),
  );
  const asked = Object.fromEntries(given);
  const patched = mergePatch(present ?? {}, asked) as JsonObject;
  const gone = hiddenBy(patched).filter((section) => asked[section] === undefined);
  return Object.fromEntries(Object.entries(patched).filter(([name]) => !gone.includes(name as Section)));
};
