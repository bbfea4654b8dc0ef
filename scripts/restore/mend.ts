import type { FleetItem, LifeItem } from '../../functions/stores/survey.ts';
import type { Head } from '../../shared/domain/configuration.ts';
import { judgeHistory } from '../../shared/domain/fsck.ts';
import { type Mended, mendHistory } from '../../shared/domain/restore.ts';
import { damageOf } from '../../shared/domain/stored-head.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { scannerOf } from './fill.ts';
import { leftOut, type Restore, tallyOf } from './outcome.ts';
import { restoring, retention, rolloutCounts, standing, survey } from './stores.ts';

/** The live table, as far as what is made follows from it. */
interface Seen {
  heads: Map<string, Head>;
  revisions: Map<string, Head[]>;
  fleet: FleetItem[];
  lives: Map<string, LifeItem[]>;
  rollouts: string[];
}

const readAll = async (restore: Restore): Promise<Seen> => {
  const seen: Seen = { heads: new Map(), revisions: new Map(), fleet: [], lives: new Map(), rollouts: [] };
  let from: Record<string, unknown> | undefined;
  do {
    const page = await survey.surveyTable(from, restore.startedAt, { withFleet: true });
    for (const head of page.heads) seen.heads.set(scannerIdOf(head), head);
    for (const revision of page.revisions) add(seen.revisions, scannerIdOf(revision), revision);
    for (const life of page.lives) add(seen.lives, scannerOf(life.pk) ?? '', life);
    seen.fleet.push(...page.fleet);
    seen.rollouts.push(...page.rollouts);
    restore.progress('Scanners', seen.heads.size);
    from = page.next;
  } while (from);
  return seen;
};

/** By the partition: a head that cannot be read need not say whose it is. */
const scannerIdOf = (item: Head): string => scannerOf((item as Head & { pk: string }).pk) ?? '';

const add = <T>(map: Map<string, T[]>, key: string, value: T): void => {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
};

const isReadable = (head: Head | undefined): head is Head => damageOf(head) === null;

/** True where a history is to be looked at: its head is missing or cannot be read, or it contradicts itself. */
const isDoubtful = (head: Head | undefined, revisions: readonly Head[]): boolean =>
  !isReadable(head) || judgeHistory(head, revisions).length > 0;

const asked = (restore: Restore) => ({
  actor: { name: 'restore', requestId: `restore-${restore.startedAt.getTime()}` },
  operation: 'restore-backup',
  at: restore.now(),
});

const store = async (
  restore: Restore,
  { revisions, head, made }: Mended,
  seen: Record<string, unknown> | undefined,
): Promise<void> => {
  for (const revision of revisions)
    if (restore.dryRun || (await restoring.putRevision(revision))) tallyOf(restore, 'revision').restored += 1;
  if (!head) return;
  const isPut = restore.dryRun || (await restoring.putHead(head, seen, made, asked(restore)));
  if (isPut) tallyOf(restore, 'head').restored += 1;
  if (isPut && made) tallyOf(restore, 'revision').restored += 1;
};

const mendOne = async (restore: Restore, scannerId: string): Promise<void> => {
  const { registration, ...known } = await restoring.readHistory(scannerId);
  const decommissionedAt = registration?.['decommissionedAt'] as string | undefined;
  const mended = mendHistory({
    ...known,
    scannerId,
    decommissionedAt,
    now: restore.now(),
    expiryOf: (at) => (retention.keepsForEver() ? undefined : retention.expiryOfRevision(at)),
  });
  if (!mended) return leftOut(restore, 'head', 'nothing is left to make it of');
  if (mended.head === null && mended.revisions.length === 0) return;
  if (registration?.['clearedAt'] === undefined) restore.done.scanners.add(scannerId);
  await store(restore, mended, known.head);
};

const mendHistories = async (restore: Restore, { heads, revisions, lives }: Seen): Promise<void> => {
  const scannerIds = new Set([...heads.keys(), ...revisions.keys(), ...lives.keys()]);
  for (const scannerId of scannerIds)
    if (isDoubtful(heads.get(scannerId), revisions.get(scannerId) ?? [])) await mendOne(restore, scannerId);
};

/** Artifacts that the head of a Scanner in service names. */
const namedBy = ({ configuration, decommissionedAt }: Head): string[] =>
  decommissionedAt === undefined ? Object.keys(configuration.artifacts ?? {}) : [];

const artifactOf = (pk: string): string => pk.slice(keys.ofArtifact('').length);

/** Who uses what, as the heads that can be read say; a copy of that from a backup could say of a Scanner that has ceased to that it does. */
const mendUsers = async (restore: Restore, { heads: all, fleet }: Seen): Promise<void> => {
  const heads = new Map([...all].filter(([, head]) => isReadable(head)));
  const users = fleet.filter(({ sk }) => sk.startsWith(keys.userPrefix));
  const told = new Set(users.map(({ pk, sk }) => `${pk}\n${sk}`));
  const artifacts = new Set(fleet.map(({ pk }) => artifactOf(pk)));
  for (const [scannerId, head] of heads)
    for (const artifact of namedBy(head)) {
      artifacts.add(artifact);
      const isTold = told.has(`${keys.ofArtifact(artifact)}\n${keys.user(scannerId)}`);
      if (!isTold && (restore.dryRun || (await restoring.setUser(head, artifact, true))))
        tallyOf(restore, 'user').restored += 1;
    }
  for (const { pk, sk } of users) {
    const head = heads.get(sk.slice(keys.userPrefix.length));
    if (head && !namedBy(head).includes(artifactOf(pk)) && !restore.dryRun)
      await restoring.setUser(head, artifactOf(pk), false);
  }
  if (restore.dryRun) return;
  for (const artifact of artifacts)
    if (await restoring.settleUsage(artifact)) tallyOf(restore, 'usage').restored += 1;
};

type Named = Parameters<typeof restoring.holdName>[0];

const mendNames = async (restore: Restore, { fleet }: Seen): Promise<void> => {
  for (const item of fleet.filter(({ sk }) => sk === sortKeys.artifact)) {
    const record = item as unknown as Named;
    if (record.certificateId === undefined) continue;
    const held = await restoring.liveItem(keys.ofCertificateName(record.name), keys.certificateName);
    if (!held && (restore.dryRun || (await restoring.holdName(record))))
      tallyOf(restore, 'certificate name').restored += 1;
  }
};

const lacks = (items: readonly LifeItem[], sk: string): boolean => {
  const registration = items.find((item) => item.sk === sortKeys.scanner);
  return (
    registration !== undefined &&
    registration.clearedAt === undefined &&
    !items.some((item) => item.sk === sk)
  );
};

/** The Scanners concerned, and those of which nobody would look at them or list them any more. */
const mendLooks = async (restore: Restore, { lives }: Seen): Promise<void> => {
  const { scanners } = restore.done;
  for (const [scannerId, items] of lives)
    for (const kind of [sortKeys.due, sortKeys.standing])
      if (lacks(items, kind)) {
        scanners.add(scannerId);
        tallyOf(restore, kind).restored += 1;
      }
  if (restore.dryRun) return;
  for (const scannerId of scanners) {
    await standing.refreshStanding(scannerId);
    await restoring.dueNow(scannerId, restore.now());
  }
};

/** How many targets of a rollout have come to what, as they say by now; a copy would say what they had come to at the time of the backup. */
const mendCounts = async (restore: Restore, { rollouts }: Seen): Promise<void> => {
  for (const [index, rolloutId] of rollouts.entries()) {
    const { dryRun } = restore;
    const made = await rolloutCounts.settleCounts(rolloutId, { now: restore.now(), dryRun });
    if (made === null)
      leftOut(restore, 'rollout counts', 'its targets move on all the time: restore once more later');
    else tallyOf(restore, 'rollout counts').restored += made;
    restore.progress('rollouts', index + 1, rollouts.length);
  }
};

/** Makes what is not copied: heads and histories, users and their counts, names, the counts of rollouts, what says when a Scanner is looked at and how it stands. */
export const mendAll = async (restore: Restore): Promise<void> => {
  await mendHistories(restore, await readAll(restore));
  const seen = await readAll(restore);
  await mendUsers(restore, seen);
  await mendNames(restore, seen);
  await mendCounts(restore, seen);
  await mendLooks(restore, seen);
};
