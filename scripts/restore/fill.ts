import type { Head } from '../../shared/domain/configuration.ts';
import { type Facts, type Item, judgeMissing, kindOf } from '../../shared/domain/restore.ts';
import { keys, prefixes, sortKeys } from '../../shared/tables.ts';
import { leftOut, type Restore, tallyOf } from './outcome.ts';
import { objects, restoring, retention } from './stores.ts';

/** How many items are filled in at once. */
const width = 8;

/** Remembers what it was asked last: items of one partition come together. */
const lastOf = <T>(read: (pk: string) => Promise<T>) => {
  let last: { pk: string; value: Promise<T> } | undefined;
  return (pk: string): Promise<T> => {
    if (last?.pk !== pk) last = { pk, value: read(pk) };
    return last.value;
  };
};

/** Reads what an item is about: in the live table, and in the backup what that has not. */
const reader = (restore: Restore) => {
  const either = async <T>(pk: string, sk: string): Promise<T | undefined> =>
    (await restoring.liveItem<T>(pk, sk)) ?? (await restoring.backupItem<T>(restore.from, pk, sk));
  return {
    registration: lastOf((pk) => either<NonNullable<Facts['registration']>>(pk, sortKeys.scanner)),
    record: lastOf((pk) => either<NonNullable<Facts['record']>>(pk, sortKeys.artifact)),
    head: lastOf((pk) => restoring.liveItem<Head>(pk, sortKeys.head)),
    deleted: lastOf(restoring.deletedSubjects),
    either,
  };
};

type Reader = ReturnType<typeof reader>;

/** When the revision was superseded that the backup has as the one in force, and when that makes it go. */
const endOf = async (read: Reader, { pk, revision }: Item, now: Date): Promise<Partial<Facts>> => {
  if (retention.keepsForEver()) return {};
  const next = await read.either<{ at: string }>(pk, keys.revision(Number(revision) + 1));
  const head = await read.head(pk);
  const at = next ? new Date(next.at) : now;
  const superseded = next !== undefined || (head?.revision ?? 0) > Number(revision);
  return superseded ? { expiresAt: retention.expiryOfRevision(at) } : {};
};

const outcomeOf = async ({ pk, stage, scannerId }: Item): Promise<Partial<Facts>> => {
  const target = await restoring.liveItem<{ outcome: string }>(
    pk,
    keys.target(Number(stage), String(scannerId)),
  );
  return { outcome: target?.outcome };
};

/** What has to be known of an item of a kind before it is filled in. */
const facts: Record<string, (read: Reader, item: Item, now: Date) => Promise<Partial<Facts>>> = {
  registration: async (read, { pk }) => ({ head: await read.head(pk) }),
  status: async (read, { pk }) => ({ registration: await read.registration(pk) }),
  revision: endOf,
  artifact: async (read, { pk, artifact }) => ({
    deleted: (await read.deleted(pk)).get(String(artifact)) === true,
  }),
  member: async (read, { pk, sk }) => ({
    deleted: (await read.deleted(pk)).get(sk.slice(keys.memberPrefix.length)) === true,
  }),
  'loose object': async (read, { pk, digest }) => ({
    record: await read.record(pk),
    objectIsThere: (await objects.sizeOf(`${prefixes.secrets}${digest}`)) !== null,
  }),
  'rollout work': async (read, { pk }) => ({
    state: (await read.either<{ state: string }>(pk, keys.rollout))?.state,
  }),
  'rollout waiting': (_, item) => outcomeOf(item),
  'rollout unfinished': (_, item) => outcomeOf(item),
};

/** The Scanner whose partition this is; undefined for any other partition. */
export const scannerOf = (pk: string): string | undefined =>
  pk.startsWith(keys.ofScanner('')) ? pk.slice(keys.ofScanner('').length) : undefined;

/** A Scanner is looked at already before the first item of it is filled in: what is interrupted here is looked at all the same. */
const announce = async (restore: Restore, read: Reader, pk: string): Promise<void> => {
  const scannerId = scannerOf(pk);
  if (scannerId === undefined || restore.done.scanners.has(scannerId)) return;
  const registration = await read.registration(pk);
  if (!registration || registration.clearedAt !== undefined) return;
  restore.done.scanners.add(scannerId);
  if (!restore.dryRun) await restoring.dueNow(scannerId, restore.now());
};

const fillOne = async (restore: Restore, read: Reader, item: Item): Promise<void> => {
  const { kind } = kindOf(item);
  const now = restore.now();
  const judged = judgeMissing(item, { now, ...(await facts[kind]?.(read, item, now)) });
  if ('leave' in judged) return leftOut(restore, kind, judged.leave);
  await announce(restore, read, item.pk);
  const isPut = restore.dryRun || (await restoring.putMissing(judged.put));
  tallyOf(restore, kind)[isPut ? 'restored' : 'there'] += 1;
};

const eachOf = async <T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> => {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
};

/** A rollout comes after all that is its own: where it is there, so are they, whenever this was interrupted. */
const isLast = (item: Item): boolean => kindOf(item).kind === 'rollout';

const count = (restore: Restore, items: readonly Item[], missing: ReadonlySet<Item>): void => {
  for (const item of items) {
    const { kind, rule } = kindOf(item);
    const tally = tallyOf(restore, kind);
    tally.inBackup += 1;
    if (!missing.has(item)) tally.there += 1;
    else if (rule === 'leave') leftOut(restore, kind, 'whoever needs it makes it');
  }
};

/**
 * Walks the backup and fills in what the live table lacks, each item on the condition that there is still none. Of what is made instead, nothing is filled
 * in. Done again, it does nothing again.
 */
export const fillAll = async (restore: Restore): Promise<void> => {
  const read = reader(restore);
  const later: Item[] = [];
  let seen = 0;
  let from: Record<string, unknown> | undefined;
  do {
    const { items, next } = await restoring.scanBackup(restore.from, from);
    const missing = await restoring.missingOf(items);
    count(restore, items, new Set(missing));
    const wanted = missing.filter((item) => kindOf(item).rule === 'fill');
    later.push(...wanted.filter(isLast));
    await eachOf(
      wanted.filter((item) => !isLast(item)),
      (item) => fillOne(restore, read, item),
    );
    seen += items.length;
    restore.progress('items of the backup', seen);
    from = next;
  } while (from);
  await eachOf(later, (item) => fillOne(restore, read, item));
};
