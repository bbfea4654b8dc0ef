import { canonicalJson, type Json } from '../../shared/domain/canonical-json.ts';
import { AppError, type ErrorCode, hasCode } from '../../shared/errors.ts';
import { keys } from '../../shared/tables.ts';
import { fleetAuditItem } from './audit.ts';
import type { FleetWrite } from './certificates.ts';
import { format, getItem, queryItems, type TransactItem, tableName } from './dynamo.ts';
import {
  assertUnused,
  type CollectionRecord,
  type CommitItem,
  commitItems,
  findFleetArtifact,
  inUse,
  recordPut,
  superseded,
  unusedCheck,
} from './fleet-artifacts.ts';
import { retrying } from './retrying.ts';
import { namedItem, readSecret, retiredItem, stageSecret } from './secrets.ts';

type Content = { [name: string]: Json };

/** What a member of a collection has, whichever it is. */
interface Member {
  id: string;
}

/**
 * Things of the fleet that Scanners use together, so that they are one artifact: directory sources, client authorities. The record counts
 * changes; each member is an item of its own, public, so that the record stays small; the vault, a text under `secrets/`, has them
 * whole, and what Scanners fetch is another text, with no more than they need.
 */
export interface Collection<T extends Member> {
  artifact: string;
  /** The refusal to take away the last member that Scanners use. */
  inUse: ErrorCode;
  isUsed(member: T): boolean;
  /** What anyone may see of a member: its item, and its audit. */
  shown(member: T): object;
  recorded(member: T): object;
  /** What Scanners fetch, of the members that they use. */
  content(used: readonly T[]): Content;
}

/** All members after a change, and which of them it was about; null before it is made, and after it is deleted. */
export interface Edit<T> {
  members: T[];
  id: string;
  before: T | null;
  after: T | null;
}

interface Held<T> {
  record: CollectionRecord | undefined;
  members: T[];
}

/** The record and the members of one moment; null where they have moved in between. */
const read = async <T extends Member>(collection: Collection<T>): Promise<Held<T> | null> => {
  const record = await findFleetArtifact<CollectionRecord>(collection.artifact);
  if (!record) return { record, members: [] };
  try {
    return { record, members: (await readSecret<{ members: T[] }>(record.vault)).members };
  } catch (error) {
    if (!hasCode(error, 'SOURCE_NOT_FOUND')) throw error;
    const present = await findFleetArtifact<CollectionRecord>(collection.artifact);
    if (present?.vault === record.vault) throw new TypeError(`The vault of ${collection.artifact} is gone.`);
    return null;
  }
};

interface Texts {
  digest: string;
  vault: string;
}

/** Stages the texts of the members; what Scanners fetch only where that changes, so that no other edit makes them a revision. */
const stage = async <T extends Member>(
  collection: Collection<T>,
  { record, members: before }: Held<T>,
  members: T[],
  now: Date,
): Promise<Texts> => {
  const [old, present] = [before, members].map((all) => collection.content(all.filter(collection.isUsed)));
  const same = record !== undefined && canonicalJson(old ?? {}) === canonicalJson(present ?? {});
  const { artifact } = collection;
  const [digest, vault] = await Promise.all([
    same ? record.digest : stageSecret(artifact, present ?? {}, { distributed: true, now }),
    stageSecret(artifact, { members: members as unknown as Json }, { distributed: false, now }),
  ]);
  return { digest, vault };
};

const exchanged = (
  artifact: string,
  before: string | undefined,
  after: string,
  options: { distributed: boolean; now: Date },
): CommitItem[] =>
  before === after
    ? []
    : [
        [namedItem(artifact, after), null],
        ...(before === undefined ? [] : [[retiredItem(artifact, before, options), null] as const]),
      ];

const memberItem = <T extends Member>(collection: Collection<T>, { id, after }: Edit<T>): TransactItem => {
  const key = { pk: keys.ofArtifact(collection.artifact), sk: keys.member(id) };
  return after
    ? { Put: { TableName: tableName(), Item: { ...key, ...collection.shown(after), format } } }
    : { Delete: { TableName: tableName(), Key: key } };
};

const nextRecord = (
  artifact: string,
  record: CollectionRecord | undefined,
  more: Texts & { used: number },
  { actor }: FleetWrite,
): CollectionRecord => ({
  artifact,
  ...more,
  version: (record?.version ?? 0) + 1,
  updatedBy: actor.name,
  requestId: actor.requestId,
});

const commit = async <T extends Member>(
  collection: Collection<T>,
  held: Held<T>,
  edit: Edit<T>,
  request: FleetWrite & { remember?: ((edit: Edit<T>) => TransactItem) | undefined; isLast: boolean },
): Promise<boolean> => {
  const { artifact } = collection;
  const { record } = held;
  const { at: now } = request;
  const texts = await stage(collection, held, edit.members, now);
  const used = edit.members.filter(collection.isUsed).length;
  return commitItems([
    [recordPut(nextRecord(artifact, record, { ...texts, used }, request)), null],
    [memberItem(collection, edit), null],
    ...(request.isLast ? [[unusedCheck(artifact), () => inUse(collection.inUse, artifact)] as const] : []),
    ...exchanged(artifact, record?.digest, texts.digest, { distributed: true, now }),
    ...exchanged(artifact, record?.vault, texts.vault, { distributed: false, now }),
    [
      fleetAuditItem({ artifact, subject: edit.id }, request, {
        before: edit.before && collection.recorded(edit.before),
        after: edit.after && collection.recorded(edit.after),
      }),
      null,
    ],
    ...(request.remember ? [[request.remember(edit), superseded] as const] : []),
  ]);
};

/**
 * Changes a collection in one transaction. `edit` runs again when somebody else was faster. The last member that Scanners use stays while
 * one uses it: the transaction holds that none does.
 */
export const changeCollection = <T extends Member>(
  collection: Collection<T>,
  request: FleetWrite & { remember?: ((edit: Edit<T>) => TransactItem) | undefined },
  edit: (members: T[]) => Edit<T>,
): Promise<Edit<T>> =>
  retrying(async () => {
    const held = await read(collection);
    if (!held) return null;
    const made = edit(held.members);
    if (made.before !== null && made.before === made.after) return made;
    const isLast = held.members.some(collection.isUsed) && !made.members.some(collection.isUsed);
    if (isLast) await assertUnused(collection.inUse, collection.artifact);
    if (request.dryRun) return made;
    return (await commit(collection, held, made, { ...request, isLast })) ? made : null;
  });

/** One member as anyone may see it. NOT_FOUND where there is none with this id. */
export const readMember = async <T>(artifact: string, id: string): Promise<T> => {
  const item = await getItem<T>(keys.ofArtifact(artifact), keys.member(id));
  if (!item) throw new AppError('NOT_FOUND', `There is no ${id}.`);
  return item;
};

/** Members as anyone may see them, in the order of their ids, strongly consistent. */
export const listMembers = <T>(artifact: string, page: { limit: number; cursor?: string | undefined }) =>
  queryItems<T>(keys.ofArtifact(artifact), keys.memberPrefix, page);
