import type { ListReference } from '../schemas/lists.ts';
import { type RolloutCounts, type RolloutOutcome, rolloutOutcomes } from '../schemas/rollouts.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Configuration } from './configuration.ts';
import { decodeHosts, hostFormat, sortHosts } from './hosts.ts';
import {
  accessFormat,
  type ChunkReference,
  decodeChunk,
  type Hash,
  type ListFormat,
  type Manifest,
} from './lists/chunks.ts';
import { parseEntry } from './lists/entry.ts';
import { compareEntries, keyed } from './lists/order.ts';

/** What can be wrong with what is stored. */
export type FindingKind =
  /** Named, and not there. */
  | 'dangling'
  /** There, and not what its name or whoever names it says. */
  | 'corrupt'
  /** There, and named by nobody. */
  | 'orphaned'
  /** Items of the table that contradict each other. */
  | 'inconsistent'
  /** An import that nobody works on any more. */
  | 'lost';

export interface Finding {
  kind: FindingKind;
  /** Key of the object, or of the item. */
  key: string;
  /** Who names it: up to three, `mx1 revision 17 inbound`. */
  namedBy: string[];
  detail: string;
  /** What a repair does, or would do; absent where only a person can help. */
  repair?: string;
}

const counts = (what: Partial<Pick<ListReference, 'entries' | 'enabled'>>) =>
  `${what.entries} entries, ${what.enabled} enabled`;

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

const isChunkReference = (value: unknown): value is ChunkReference => {
  const { sha256, first, entries, enabled } = (value ?? {}) as Record<string, unknown>;
  const named = typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && typeof first === 'string';
  return named && isCount(entries) && isCount(enabled) && entries > 0 && enabled <= entries;
};

const isManifest = (value: unknown): value is Manifest => {
  const { format, entries, enabled, chunks } = (value ?? {}) as Record<string, unknown>;
  const counted = isCount(entries) && isCount(enabled);
  return format === 1 && counted && Array.isArray(chunks) && chunks.every(isChunkReference);
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The manifest in a text, or null with what is wrong: its hash is not its name, it is none, or it does not add up. */
export const judgeManifest = (
  text: string,
  root: string,
  hash: Hash,
): { manifest: Manifest | null; problems: string[] } => {
  if (hash(text) !== root)
    return { manifest: null, problems: ['its bytes are not those that its name says'] };
  const value = parsed(text);
  if (!isManifest(value)) return { manifest: null, problems: ['it is no manifest of format 1'] };
  const sum = (of: 'entries' | 'enabled') => value.chunks.reduce((total, chunk) => total + chunk[of], 0);
  const [entries, enabled] = [sum('entries'), sum('enabled')];
  const problems = [
    ...(canonicalJson(value as unknown as Json) === text ? [] : ['it is not written as canonical JSON']),
    ...(entries === value.entries && enabled === value.enabled
      ? []
      : [`it says ${counts(value)}; its chunks say ${counts({ entries, enabled })}`]),
  ];
  return { manifest: value, problems };
};

/** What whoever names a list says of it, against its manifest. */
export const judgeReference = (reference: ListReference, manifest: Manifest): string[] =>
  reference.entries === manifest.entries && reference.enabled === manifest.enabled
    ? []
    : [`it has ${counts(manifest)}; the configuration says ${counts(reference)}`];

/** Which kind of entries a chunk holds. */
export type ChunkKind = 'access' | 'hosts';

const accessProblems = (entries: ReturnType<typeof decodeChunk>): string[] => {
  const bad = entries.find(({ value }) => {
    const entry = parseEntry(value);
    return !entry.ok || entry.value !== value;
  });
  if (bad) return [`it holds ${JSON.stringify(bad.value)}, which is not the one form of an entry`];
  const keys = entries.map(keyed);
  const wrong = keys.findIndex((key, index) => index > 0 && compareEntries(keys[index - 1] ?? key, key) >= 0);
  return wrong < 0 ? [] : [`${JSON.stringify(keys[wrong]?.value)} is not in its place`];
};

const contentOf = <T>(entries: readonly T[], format: ListFormat<T>, ordered: string[]) => ({
  text: entries.map(format.line).join(''),
  first: entries.length > 0 ? format.value(entries[0] as T) : '',
  entries: entries.length,
  enabled: entries.filter(format.enabled).length,
  problems: ordered,
});

const readContent = (text: string, kind: ChunkKind) => {
  if (kind === 'access') {
    const entries = decodeChunk(text);
    return contentOf(entries, accessFormat, accessProblems(entries));
  }
  const hosts = decodeHosts(text);
  const sorted =
    sortHosts([...hosts])
      .map(hostFormat.line)
      .join('') === hosts.map(hostFormat.line).join('');
  return contentOf(hosts, hostFormat, sorted ? [] : ['its hosts are not in their order']);
};

const described = (text: string, kind: ChunkKind): ReturnType<typeof readContent> | null => {
  try {
    return readContent(text, kind);
  } catch {
    return null;
  }
};

/** What is wrong with a chunk: bytes that are not those of its name, lines that are none, a wrong order, other counts than its manifest says. */
export const judgeChunk = (
  text: string,
  reference: ChunkReference,
  kind: ChunkKind,
  hash: Hash,
): string[] => {
  if (hash(text) !== reference.sha256) return ['its bytes are not those that its name says'];
  const content = described(text, kind);
  if (!content || content.text !== text) return ['it has lines that are no entries'];
  const told = content.entries === reference.entries && content.enabled === reference.enabled;
  return [
    ...content.problems,
    ...(told ? [] : [`it has ${counts(content)}; its manifest says ${counts(reference)}`]),
    ...(content.first === reference.first
      ? []
      : [
          `it begins with ${JSON.stringify(content.first)}; its manifest says ${JSON.stringify(reference.first)}`,
        ]),
  ];
};

/** Chunks of a list of addresses that do not follow one another: each begins after the one before it. */
export const judgeOrder = ({ chunks }: Manifest): string[] => {
  const firsts = chunks.map(({ first }) => parseEntry(first));
  const wrong = firsts.findIndex((entry, index) => {
    const before = firsts[index - 1];
    return !entry.ok || (before?.ok === true && compareEntries(before, entry) >= 0);
  });
  return wrong < 0 ? [] : [`its chunk ${wrong + 1} is not in its place`];
};

interface Numbered {
  revision: number;
  configuration: Configuration;
}

/** What contradicts what among the items of one Scanner: the head is its newest revision, and revisions have no gap. */
export const judgeHistory = (head: Numbered | undefined, revisions: readonly Numbered[]): string[] => {
  if (!head) return ['it has revisions, and no head'];
  const sorted = revisions.map(({ revision }) => revision).sort((one, other) => one - other);
  const newest = revisions.find(({ revision }) => revision === head.revision);
  const gap = sorted.findIndex((revision, index) => index > 0 && revision !== (sorted[index - 1] ?? 0) + 1);
  const same = (one: Configuration, other: Configuration) =>
    canonicalJson(one as unknown as Json) === canonicalJson(other as unknown as Json);
  return [
    ...(newest ? [] : [`its head is revision ${head.revision}, which is not stored`]),
    ...(newest && !same(newest.configuration, head.configuration)
      ? [`its head and its revision ${head.revision} differ`]
      : []),
    ...((sorted.at(-1) ?? 0) > head.revision ? [`it has revision ${sorted.at(-1)} beyond its head`] : []),
    ...(gap < 0 ? [] : [`revision ${(sorted[gap] ?? 0) - 1} is missing between others`]),
  ];
};

/** The counts of a rollout against its targets: `delta` is what the targets say beyond the counts, `lost` are parts of the counts that are not there. */
export const judgeCounts = ({
  counts,
  delta,
  lost,
}: {
  counts: RolloutCounts;
  delta: { readonly [outcome in RolloutOutcome]?: number };
  lost: readonly number[];
}): string[] => [
  ...lost.map((part) => `part ${part} of its counts is not there`),
  ...rolloutOutcomes
    .filter((outcome) => (delta[outcome] ?? 0) !== 0)
    .map(
      (outcome) =>
        `${outcome}: it has ${counts[outcome] + (delta[outcome] ?? 0)} such targets; its counts say ${counts[outcome]}`,
    ),
];
