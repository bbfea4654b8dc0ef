import { listNames } from '../schemas/lists.ts';
import { keys, sortKeys } from '../tables.ts';
import { type Configuration, type Head, nextHead, type Parts } from './configuration.ts';
import { summaryOf } from './history.ts';
import { openStates } from './import-job.ts';
import { configurationDamageOf, damageOf } from './stored-head.ts';

/** An item of the table, whatever it is. */
export type Item = { pk: string; sk: string } & Record<string, unknown>;

/**
 * What becomes of an item of a backup that the live table lacks: it is filled in; it is made anew from what is there then, because a copy could
 * contradict that; or it is left, because whoever needs it makes it.
 */
export type Rule = 'fill' | 'make' | 'leave';

interface KindOfItem {
  kind: string;
  pk: string;
  /** The sort key, or what it begins with. */
  sk: string;
  rule: Rule;
}

const scanner = keys.ofScanner('');
const artifact = keys.ofArtifact('');
const rollout = keys.ofRollout('');

const status = [
  sortKeys.published,
  sortKeys.report,
  sortKeys.presence,
  sortKeys.inventory,
  sortKeys.claim,
  keys.reportedPrefix,
].map((sk): KindOfItem => ({ kind: 'status', pk: scanner, sk, rule: 'fill' }));

/** Every kind of item there is (ADR 0002), the first that fits counts. */
const kinds: readonly KindOfItem[] = [
  { kind: 'registration', pk: scanner, sk: sortKeys.scanner, rule: 'fill' },
  { kind: 'head', pk: scanner, sk: sortKeys.head, rule: 'make' },
  { kind: 'revision', pk: scanner, sk: keys.revisionPrefix, rule: 'fill' },
  { kind: 'audit', pk: scanner, sk: keys.auditPrefix, rule: 'fill' },
  ...status,
  { kind: 'due', pk: scanner, sk: sortKeys.due, rule: 'make' },
  { kind: 'standing', pk: scanner, sk: sortKeys.standing, rule: 'make' },
  { kind: 'clearing', pk: scanner, sk: sortKeys.clearing, rule: 'leave' },
  { kind: 'artifact', pk: artifact, sk: sortKeys.artifact, rule: 'fill' },
  { kind: 'member', pk: artifact, sk: keys.memberPrefix, rule: 'fill' },
  { kind: 'audit', pk: artifact, sk: keys.auditPrefix, rule: 'fill' },
  { kind: 'loose object', pk: artifact, sk: keys.objectPrefix, rule: 'fill' },
  { kind: 'user', pk: artifact, sk: keys.userPrefix, rule: 'make' },
  { kind: 'usage', pk: artifact, sk: keys.usage, rule: 'make' },
  { kind: 'certificate name', pk: keys.ofCertificateName(''), sk: keys.certificateName, rule: 'make' },
  { kind: 'import', pk: keys.ofImport(''), sk: keys.import, rule: 'fill' },
  { kind: 'drop', pk: keys.ofDrop(''), sk: keys.drop, rule: 'fill' },
  { kind: 'answer', pk: keys.ofAnswer(''), sk: keys.answer, rule: 'fill' },
  { kind: 'rollout', pk: rollout, sk: keys.rollout, rule: 'fill' },
  { kind: 'rollout target', pk: rollout, sk: keys.targetPrefix, rule: 'fill' },
  { kind: 'rollout waiting', pk: rollout, sk: keys.waitingPrefix, rule: 'fill' },
  { kind: 'rollout unfinished', pk: rollout, sk: keys.unfinishedPrefix, rule: 'fill' },
  { kind: 'rollout counts', pk: rollout, sk: keys.progressPrefix, rule: 'make' },
  { kind: 'audit', pk: rollout, sk: keys.auditPrefix, rule: 'fill' },
  { kind: 'rollout work', pk: rollout, sk: keys.rolloutWork, rule: 'fill' },
  { kind: 'wish', pk: 'derived#', sk: keys.derived, rule: 'leave' },
  { kind: 'sweep', pk: keys.ofSweep, sk: keys.sweep, rule: 'leave' },
  { kind: 'pace', pk: keys.ofPace(''), sk: keys.pace, rule: 'leave' },
];

/** What an item is, and what becomes of it where the live table lacks it. One that nobody knows is filled in. */
export const kindOf = ({ pk, sk }: Pick<Item, 'pk' | 'sk'>): { kind: string; rule: Rule } =>
  kinds.find((one) => pk.startsWith(one.pk) && sk.startsWith(one.sk)) ?? { kind: 'other', rule: 'fill' };

/** What else is known of what an item is about: of the live table, and where that has nothing, of the backup. */
export interface Facts {
  now: Date;
  registration?: { epoch?: string; clearedAt?: string } | undefined;
  head?: Pick<Head, 'registration' | 'decommissionedAt'> | undefined;
  /** The newest audit record of it says that it was deleted. */
  deleted?: boolean;
  record?: { digest?: string; vault?: string } | undefined;
  objectIsThere?: boolean;
  /** The state of its rollout. */
  state?: string | undefined;
  /** What a target has come to, in the live table. */
  outcome?: string | undefined;
  /** When a superseded revision is deleted, in seconds since 1970. */
  expiresAt?: number | undefined;
}

/** An item as it is filled in, or why it is not. */
export type Judged = { put: Item } | { leave: string };

const put = (item: Item): Judged => ({ put: item });
const leave = (why: string): Judged => ({ leave: why });

const isOver = (expiresAt: unknown, now: Date): boolean =>
  typeof expiresAt === 'number' && expiresAt * 1000 <= now.getTime();

/** An id that was registered again since has a registration that the backup does not know; one that was decommissioned stays so. */
const judgeRegistration = (item: Item, { head }: Facts): Judged => {
  const again = head?.registration?.at;
  if (again !== undefined && String(item['createdAt']) < again)
    return leave('of an earlier registration of the id');
  if (head?.decommissionedAt === undefined || item['decommissionedAt'] !== undefined) return put(item);
  return put({ ...item, decommissionedAt: head.decommissionedAt, listPk: keys.listedDecommissioned });
};

const judgeStatus = (item: Item, { registration }: Facts): Judged => {
  if (registration === undefined) return leave('of a Scanner that is not registered');
  if (registration.clearedAt !== undefined) return leave('of a Scanner that was cleared away');
  const epoch = item['epoch'];
  return epoch === undefined || epoch === registration.epoch
    ? put(item)
    : leave('of an earlier registration of the id');
};

const judgeLoose = (item: Item, { record, objectIsThere }: Facts): Judged => {
  const digest = item['digest'];
  if (digest === record?.digest || digest === record?.vault) return leave('named again since');
  return objectIsThere ? put(item) : leave('its object is gone');
};

/**
 * Of an import that was under way at the time of the backup nobody knows whether it went on: done once more it could undo what came later. So it is
 * cancelled, which an operator sees, who can upload the file again.
 */
const judgeImport = (item: Item, { now }: Facts): Judged =>
  openStates.some((state) => state === item['state'])
    ? put({ ...item, state: 'cancelled', finishedAt: now.toISOString() })
    : put(item);

/** Likewise: a rollout that ran is halted, and one that was being planned cancelled. What follows is for an operator to say. */
const judgeRollout = (item: Item): Judged => {
  const { state } = item;
  if (state !== 'running' && state !== 'planned') return put(item);
  const version = Number(item['version']) + 1;
  return put({
    ...item,
    state: state === 'running' ? 'halted' : 'cancelled',
    version,
    reason: 'It was restored from a backup.',
  });
};

const judgeOpenTarget =
  (open: string) =>
  (item: Item, { outcome }: Facts): Judged =>
    outcome === undefined || outcome === open ? put(item) : leave('its target has gone on since');

const judges: Record<string, (item: Item, facts: Facts) => Judged> = {
  registration: judgeRegistration,
  status: judgeStatus,
  revision: (item, { expiresAt, now }) => {
    if (item['expiresAt'] !== undefined || expiresAt === undefined) return put(item);
    return isOver(expiresAt, now) ? leave('past its time to live') : put({ ...item, expiresAt });
  },
  artifact: (item, { deleted }) => (deleted ? leave('deleted since') : put(item)),
  member: (item, { deleted }) => (deleted ? leave('deleted since') : put(item)),
  'loose object': judgeLoose,
  import: judgeImport,
  rollout: judgeRollout,
  'rollout work': (item, { state = '' }) =>
    ['planned', 'running', 'halted'].includes(state) ? put(item) : leave('its rollout has ended'),
  'rollout waiting': judgeOpenTarget('pending'),
  'rollout unfinished': judgeOpenTarget('committed'),
};

/** How an item that the live table lacks is filled in, or why it is not. */
export const judgeMissing = (item: Item, facts: Facts): Judged => {
  if (isOver(item['expiresAt'], facts.now)) return leave('past its time to live');
  return judges[kindOf(item).kind]?.(item, facts) ?? put(item);
};

/** A revision as it is stored. */
export interface StoredRevision extends Head {
  at: string;
  by: string;
  operation: string;
  summary: string;
  rolloutId?: string;
  expiresAt?: number;
}

/** What the audit keeps of a write that made a revision. */
export interface RevisionAudit {
  revision?: number;
  at: string;
  actor: string;
  operation: string;
  after: unknown;
  rolloutId?: string;
}

/** Everything that is known of the history of one Scanner. */
export interface Known {
  scannerId: string;
  /** As it is stored, readable or not. */
  head: unknown;
  revisions: readonly StoredRevision[];
  audits: readonly RevisionAudit[];
  /** The highest revision that anything else speaks of: what was published. */
  spokenOf: number;
  decommissionedAt?: string | undefined;
  now: Date;
  /** When a revision superseded at a time is deleted; undefined: never. */
  expiryOf(at: Date): number | undefined;
}

export interface Mended {
  /** Revisions that are not stored and are known all the same, in their order. */
  revisions: StoredRevision[];
  /** The head to be put in the place of the one that is there; null where that is good. */
  head: Head | null;
  /** The revision that the head begins, where no number that is in use could be its own; it is not among `revisions`. */
  made: StoredRevision | null;
}

const namesLists = ({ lists }: Configuration): boolean =>
  listNames.every((name) => /^[0-9a-f]{64}$/.test(lists[name].root));

const isConfiguration = (value: unknown): value is Configuration =>
  configurationDamageOf(value) === null && namesLists(value as Configuration);

/** True for a head, or a revision, that everybody can read, and that is of this Scanner. */
const isHead = (value: unknown, scannerId: string): value is Head => {
  if (damageOf(value) !== null) return false;
  const head = value as Head;
  return head.scannerId === scannerId && namesLists(head.configuration);
};

/** The number of a head or revision, readable or not, if it has one. */
const numberOf = (value: unknown): number[] => {
  const { revision } = (value ?? {}) as Partial<Head>;
  return Number.isSafeInteger(revision) ? [revision as number] : [];
};

const headOf = (
  { scannerId, revision, configuration, parts, updatedAt, updatedBy, registration }: Head,
  decommissionedAt: string | undefined,
): Head => ({
  scannerId,
  revision,
  configuration,
  parts,
  updatedAt,
  updatedBy,
  ...(registration ? { registration } : {}),
  ...(decommissionedAt === undefined ? {} : { decommissionedAt }),
});

const allParts = (revision: number): Parts =>
  Object.fromEntries(
    ['smtp', 'advanced', 'artifacts', ...listNames.map((name) => `lists.${name}`)].map((part) => [
      part,
      revision,
    ]),
  ) as Parts;

/** The operation whose audit records begin a registration; of an id that was registered again, with a revision above 1. */
const registering = 'create-scanner';

/**
 * A revision as its audit record tells it: what was before it says which parts it changed, and of which registration it is. Where that is not the one
 * just before it, the registration is the newest that is known.
 */
const fromAudit = (
  { scannerId }: Known,
  before: Head | undefined,
  audit: RevisionAudit & { revision: number; after: Configuration },
): StoredRevision => {
  const { revision, at, actor, operation, after, rolloutId } = audit;
  const begins = operation === registering && revision > 1;
  const follows = !begins && before !== undefined && before.revision === revision - 1;
  const registration = begins ? { at, revision } : before?.registration;
  const head = follows
    ? nextHead(before, after, actor, at)
    : {
        scannerId,
        revision,
        configuration: after,
        parts: allParts(revision),
        updatedAt: at,
        updatedBy: actor,
        ...(registration ? { registration } : {}),
      };
  return {
    ...head,
    at,
    by: actor,
    operation,
    summary: summaryOf(follows ? before.configuration : null, after),
    ...(rolloutId === undefined ? {} : { rolloutId }),
  };
};

const fromHead = (head: Head): StoredRevision => ({
  ...headOf(head, undefined),
  at: head.updatedAt,
  by: head.updatedBy,
  operation: 'restore-backup',
  summary: 'restored from the head',
});

/** Revisions that are stored and can be read, and those that audit or head tell of, by number, beginning with the oldest that is kept. */
const tellAll = (
  known: Known,
  head: Head | undefined,
): { all: Map<number, StoredRevision>; highest: number } => {
  const kept = known.revisions.filter(
    (revision) => isHead(revision, known.scannerId) && !isOver(revision.expiresAt, known.now),
  );
  const stored = new Map(kept.map((revision) => [revision.revision, revision]));
  const audits = new Map(
    known.audits.flatMap((audit) =>
      audit.revision !== undefined && isConfiguration(audit.after)
        ? [[audit.revision, { ...audit, revision: audit.revision, after: audit.after }] as const]
        : [],
    ),
  );
  const numbers = [known.head, ...known.revisions, ...known.audits].flatMap(numberOf);
  const highest = Math.max(0, ...numbers, known.spokenOf);
  const lowest = Math.min(...(stored.size > 0 ? stored.keys() : audits.keys()), head?.revision ?? highest);
  const all = new Map<number, StoredRevision>();
  let before: StoredRevision | undefined;
  for (let number = lowest; number <= highest; number++) {
    const audit = audits.get(number);
    const own = head?.revision === number ? fromHead(head) : undefined;
    const told = stored.get(number) ?? (audit ? fromAudit(known, before, audit) : own);
    if (told) all.set(number, told);
    before = told ?? before;
  }
  return { all, highest };
};

const newest = (all: ReadonlyMap<number, StoredRevision>): StoredRevision | undefined =>
  all.get(Math.max(0, ...all.keys()));

/** A revision with the next number that nobody has used, with the configuration of the newest that is known. */
const makeNext = (base: StoredRevision, highest: number, now: Date): StoredRevision => {
  const at = now.toISOString();
  const by = 'restore';
  const head = { ...headOf(base, undefined), revision: highest + 1, updatedAt: at, updatedBy: by };
  return { ...head, at, by, operation: 'restore-backup', summary: `as revision ${base.revision}` };
};

/** With the end of its time, where another revision has superseded it. */
const ended = (known: Known, revision: StoredRevision, next: StoredRevision | undefined): StoredRevision => {
  const expiresAt = next && known.expiryOf(new Date(next.at));
  return expiresAt === undefined ? revision : { ...revision, expiresAt };
};

/**
 * The history of a Scanner made whole: revisions that are missing are told by their audit records; a head that is missing, cannot be read or is behind is
 * that of the newest revision. Where a later number is known to have been used, and nothing is known of what it was, the head begins a new
 * revision beyond it, so that no number stands for two configurations. Null where there is nothing to make a head of.
 */
export const mendHistory = (known: Known): Mended | null => {
  const head = isHead(known.head, known.scannerId) ? known.head : undefined;
  const { all, highest } = tellAll(known, head);
  const last = newest(all);
  if (!last) return null;
  const stored = new Set(known.revisions.map(({ revision }) => revision));
  const good = head !== undefined && head.revision >= highest;
  const made = good || last.revision === highest ? null : makeNext(last, highest, known.now);
  const revisions = [...all.values()]
    .filter(({ revision }) => !stored.has(revision))
    .map((revision) =>
      ended(
        known,
        revision,
        all.get(revision.revision + 1) ?? (revision === last ? (made ?? undefined) : undefined),
      ),
    )
    .filter(({ expiresAt }) => !isOver(expiresAt, known.now));
  return { revisions, head: good ? null : headOf(made ?? last, known.decommissionedAt), made };
};
