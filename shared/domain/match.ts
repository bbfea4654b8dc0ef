import type { ErrorCode, Problem } from '../errors.ts';
import type { AccessEntry, AccessListName } from '../schemas/lists.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { formatIpv6, mappedIpv4, parseIpv4, parseIpv6 } from './lists/addresses.ts';
import type { Manifest } from './lists/chunks.ts';
import { parseDomain } from './lists/domains.ts';
import { type ParsedEntry, parseEntry } from './lists/entry.ts';
import type { Placed } from './lists/lookup.ts';
import { keyed, sortEntries } from './lists/order.ts';

/** Why a client would or would not be accepted; each is a code of the error table. */
export const matchReasons = [
  'LISTED',
  'NOT_LISTED',
  'ONLY_DISABLED',
  'NAME_NEEDED',
  'ACCEPTS_ALL',
  'SECTION_ABSENT',
  'SECTION_DISABLED',
  'SMTP_NOT_CONFIGURED',
  'REVISION_GONE',
] as const satisfies readonly ErrorCode[];
export type MatchReason = (typeof matchReasons)[number];

/** What one revision says of a client, and the entries that make it so. `accepted` is null where it cannot be said. */
export interface MatchVerdict {
  accepted: boolean | null;
  reason: MatchReason;
  entries: AccessEntry[];
}

/** Who connects: an address in its one form (an IPv4-mapped one as IPv4), and the verified reverse name where it is known. */
export interface MatchClient {
  address: string;
  name: string | null;
}

const mappedPrefix = 96;

/** The one form of a client's address, an IPv4-mapped one as IPv4; null for what is none. */
export const clientAddress = (text: string): string | null => {
  const groups = parseIpv6(text);
  const canonical = groups ? formatIpv6(groups) : text;
  const address = groups && mappedIpv4(groups) !== null ? canonical.replace(/^.*:/, '') : canonical;
  return groups || parseIpv4(text) !== null ? address : null;
};

/** What a request says of a client, judged; everything that is wrong at once. */
export const judgeClient = (
  client: string,
  name: string | undefined,
): { client: MatchClient; problems: Problem[] } => {
  const address = clientAddress(client);
  const parsed = name === undefined ? null : parseDomain(name);
  const problems: Problem[] = [];
  if (address === null)
    problems.push({
      pointer: '/query/client',
      code: 'ADDRESS_INVALID',
      message: `"${client}" is not an IPv4 or IPv6 address.`,
    });
  if (parsed && !parsed.ok)
    problems.push({ pointer: '/query/name', code: parsed.code, message: parsed.message });
  return { client: { address: address ?? '', name: parsed?.ok ? parsed.name : null }, problems };
};

const networksAround = (address: string, from: number, to: number): ParsedEntry[] =>
  Array.from({ length: to - from + 1 }, (_, index) => parseEntry(`${address}/${from + index}`)).filter(
    (entry) => entry.ok,
  );

const addressCandidates = (address: string): ParsedEntry[] =>
  address.includes(':')
    ? networksAround(address, 0, 128)
    : [...networksAround(address, 0, 32), ...networksAround(`::ffff:${address}`, mappedPrefix, 128)];

const nameCandidates = (name: string): ParsedEntry[] => {
  const labels = name.split('.');
  const above = labels.map((_, index) => labels.slice(index).join('.'));
  return [...above, ...above.slice(1).map((domain) => `.${domain}`)]
    .map(parseEntry)
    .filter((entry) => entry.ok);
};

/**
 * Every value that could accept a client: its address, the 32 or 128 networks around it, and its name, the domains above it and
 * "subdomains only" of these. An IPv4 address is also looked for in its IPv4-mapped form, down to the /96 that holds all of them.
 */
export const candidatesOf = ({ address, name }: MatchClient): Placed[] => [
  ...addressCandidates(address),
  ...(name === null ? [] : nameCandidates(name)),
];

/** What the settings alone decide; null where it is for the list to say. */
export const settingsVerdict = (smtp: SmtpSettings | null, list: AccessListName): MatchVerdict | null => {
  const verdict = (accepted: boolean, reason: MatchReason) => ({ accepted, reason, entries: [] });
  if (!smtp) return verdict(false, 'SMTP_NOT_CONFIGURED');
  const section = smtp[list];
  if (!section) return verdict(false, 'SECTION_ABSENT');
  if (list === 'authentication' && !smtp.authentication?.enabled) return verdict(false, 'SECTION_DISABLED');
  if (list === 'outbound') return null;
  return smtp[list]?.accept === 'listed' ? null : verdict(true, 'ACCEPTS_ALL');
};

/** A list of which only what is asked for is read. */
export interface AskedList {
  manifest: Pick<Manifest, 'chunks'>;
  /** Those of some values that it has, each with its entry. */
  entriesOf(wanted: readonly Placed[]): Promise<Iterable<AccessEntry>>;
  /** All entries of one of its chunks. */
  chunk(sha256: string): Promise<readonly AccessEntry[]>;
}

const hasEnabledDomain = async (list: AskedList): Promise<boolean> => {
  const known = enabledDomains(list.manifest);
  if (typeof known === 'boolean') return known;
  return (await list.chunk(known)).some((entry) => entry.kind === 'domain' && entry.enabled);
};

/** What a list says of a client. Only chunks that can hold one of its values are read, and one more where a name could decide. */
export const askList = async (client: MatchClient, list: AskedList): Promise<MatchVerdict> => {
  const found = sortEntries([...(await list.entriesOf(candidatesOf(client)))].map(keyed));
  const entries = found.map(({ key: _, ...entry }) => entry);
  const isAccepted = entries.some((entry) => entry.enabled);
  return listVerdict(entries, client.name === null && !isAccepted && (await hasEnabledDomain(list)));
};

/** What a list says, given those of the candidates that it has, in its order, and whether a name could still change it. */
export const listVerdict = (found: readonly AccessEntry[], nameCouldDecide: boolean): MatchVerdict => {
  const enabled = found.filter((entry) => entry.enabled);
  if (enabled.length > 0) return { accepted: true, reason: 'LISTED', entries: enabled };
  if (nameCouldDecide) return { accepted: null, reason: 'NAME_NEEDED', entries: [] };
  return found.length > 0
    ? { accepted: false, reason: 'ONLY_DISABLED', entries: [...found] }
    : { accepted: false, reason: 'NOT_LISTED', entries: [] };
};

/**
 * Whether a list has an enabled domain: true or false where the counts of its manifest say so, else the one chunk that holds both
 * addresses and domains, which has to be asked.
 */
export const enabledDomains = ({ chunks }: Pick<Manifest, 'chunks'>): boolean | string => {
  const possible = chunks.filter(({ kinds, enabled }) => (kinds.domain ?? 0) > 0 && enabled > 0);
  if (possible.some(({ kinds, enabled, entries }) => enabled > entries - (kinds.domain ?? 0))) return true;
  return possible[0]?.sha256 ?? false;
};
