import type { LifeItem } from '../../functions/stores/survey.ts';
import type { Head } from '../../shared/domain/configuration.ts';
import {
  judgeChunk,
  judgeHistory,
  judgeManifest,
  judgeOrder,
  judgeReference,
} from '../../shared/domain/fsck.ts';
import { judgeLife, lacking, told } from '../../shared/domain/leftovers.ts';
import type { ChunkReference } from '../../shared/domain/lists/chunks.ts';
import { damageOf } from '../../shared/domain/stored-head.ts';
import {
  digestOfKey,
  markMs,
  nothingCarried,
  type ObjectVersion,
  sweepable,
} from '../../shared/domain/sweep.ts';
import { hasCode } from '../../shared/errors.ts';
import { keys, prefixes, sortKeys, sweptPrefixes } from '../../shared/tables.ts';
import { addFleetItem, checkFleet, checkSecrets } from './fleet.ts';
import { type Check, type CheckOptions, find, findDamage, type Report, textOrDamage } from './found.ts';
import {
  addBindings,
  addChunks,
  addItem,
  type Items,
  type NamedBindings,
  type NamedChunk,
  type NamedRoot,
} from './named.ts';
import { checkRollouts } from './rollouts.ts';
import { decommissions, due, heads, imports, lists, objects, standing, survey, sweeping } from './stores.ts';

/** How often a Scanner whose items contradict each other is read again: somebody may be writing. */
const readings = 3;

/** What cannot be read is a finding, and what it names is not known. */
const isReadable = (check: Check, item: Head): boolean => {
  const damage = damageOf(item);
  if (damage === null) return true;
  const { pk, sk } = item as Head & { pk: string; sk: string };
  check.unread += 1;
  check.damaged.add(pk);
  find(check, 'corrupt', { key: `${pk} ${sk}`, namedBy: [], detail: `it cannot be read: ${damage}` });
  return false;
};

const readTable = async (check: Check): Promise<void> => {
  const { table, report, startedAt, progress } = check;
  let from: Record<string, unknown> | undefined;
  do {
    const page = await survey.surveyTable(from, startedAt, { withFleet: true });
    const [own, revisions] = [page.heads, page.revisions].map((items) =>
      items.filter((item) => isReadable(check, item)),
    );
    for (const head of own ?? []) addItem(table, 'heads', head);
    for (const revision of revisions ?? []) addItem(table, 'revisions', revision);
    for (const head of [...(own ?? []), ...(revisions ?? [])]) addBindings(table, head, objects.sha256);
    for (const item of page.fleet) addFleetItem(check.fleet, item);
    for (const item of page.lives) check.lives.set(item.pk, [...(check.lives.get(item.pk) ?? []), item]);
    table.lost.push(...page.lost);
    check.rollouts.push(...page.rollouts);
    report.checked.revisions += page.revisions.length;
    progress('revisions', report.checked.revisions);
    from = page.next;
  } while (from);
  report.checked.scanners = table.scanners.size;
};

/** The items of a Scanner read again, the head last but for its own revision: what is written meanwhile looks like what it is. */
const readAgain = async (scannerId: string): Promise<Items> => {
  const revisions = [];
  let cursor: string | undefined;
  do {
    const page = await heads.listRevisions(scannerId, { limit: 1000, cursor });
    revisions.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const head = await heads.readHead(scannerId).catch((error: unknown) => {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  return { heads: head ? [head] : [], revisions };
};

/** Revisions past their time to live go one by one, in any order. */
const isGone = (revision: Head & { expiresAt?: number }, at: Date): boolean =>
  (revision.expiresAt ?? Number.POSITIVE_INFINITY) * 1000 <= at.getTime();

const present = ({ heads: own, revisions }: Items, at: Date) =>
  judgeHistory(
    own[0],
    revisions.filter((revision) => !isGone(revision, at)),
  );

const checkHistories = async (check: Check): Promise<void> => {
  for (const [scannerId, items] of check.table.scanners) {
    if (check.damaged.has(keys.ofScanner(scannerId))) continue;
    let problems = present(items, check.startedAt);
    for (let reading = 0; problems.length > 0 && reading < readings; reading++)
      problems = present(await readAgain(scannerId), check.startedAt);
    for (const detail of problems)
      find(check, 'inconsistent', { key: `scanner#${scannerId}`, namedBy: [], detail });
  }
};

/** The worker that clears away does so again; of a Scanner in service nobody does. */
const clearedAgain = (key: string, items: readonly LifeItem[]) => {
  const record = items.find(({ sk }) => sk === sortKeys.scanner);
  if (record?.decommissionedAt === undefined) return {};
  const scanner = { scannerId: key.slice(keys.ofScanner('').length), epoch: record.epoch ?? '' };
  const mend = async () => {
    await decommissions.reopenClearing(scanner);
    return true;
  };
  return { repair: 'wakes the worker that clears away after it', mend };
};

/** What decommissions left behind, each judged by what is read again: a Scanner may have been registered or cleared away meanwhile. */
const checkLives = async (check: Check): Promise<void> => {
  const problemsOf = (items: readonly LifeItem[]) => judgeLife(items, sortKeys.scanner, check.startedAt);
  for (const [key, items] of check.lives) {
    if (problemsOf(items).length === 0) continue;
    const present = await survey.readLife(key);
    for (const detail of problemsOf(present))
      find(check, 'inconsistent', { key, namedBy: [], detail, ...clearedAgain(key, present) });
  }
};

/** Makes what a Scanner lacks: a look that is due now, or its standing as its facts say. */
const making: Record<string, (scannerId: string, now: Date) => Promise<void>> = {
  due: (scannerId, now) => due.askNow(scannerId, now),
  standing: (scannerId) => standing.refreshStanding(scannerId),
};

/** What each Scanner in service has, and those may lack that an earlier version of this project registered. */
const checkLacks = async (check: Check): Promise<void> => {
  for (const [key, items] of check.lives) {
    if (lacking(items, sortKeys.scanner, check.startedAt).length === 0) continue;
    const scannerId = key.slice(keys.ofScanner('').length);
    for (const lack of lacking(await survey.readLife(key), sortKeys.scanner, check.startedAt))
      find(check, 'inconsistent', {
        key,
        namedBy: [],
        detail: told(lack),
        repair: 'makes it',
        mend: async () => {
          await making[lack]?.(scannerId, check.now());
          return true;
        },
      });
  }
};

const checkManifest = async (check: Check, named: NamedRoot): Promise<void> => {
  const { root, namedBy } = named;
  const key = lists.manifestKey(root);
  const object = { key, digest: root, namedBy, contentType: 'application/json' };
  const text = await textOrDamage(key);
  const { manifest, problems } =
    text === null || text === 'damaged'
      ? { manifest: null, problems: [text === null ? 'it is not there' : 'it cannot be unpacked'] }
      : judgeManifest(text, root, objects.sha256);
  if (!manifest) {
    check.unread += 1;
    return findDamage(check, object, text === null ? 'dangling' : 'corrupt', problems.join('; '));
  }
  const told = [...named.references.values()].flatMap((reference) => judgeReference(reference, manifest));
  const order = named.kinds.has('access') ? judgeOrder(manifest) : [];
  for (const detail of [...problems, ...told, ...order]) find(check, 'corrupt', { key, namedBy, detail });
  addChunks(check.chunks, named, manifest.chunks);
};

const problemsOfChunk = (text: string, reference: ChunkReference, { kinds }: NamedChunk): string[] =>
  [...kinds].flatMap((kind) => judgeChunk(text, reference, kind, objects.sha256));

const checkChunk = async (check: Check, digest: string, named: NamedChunk): Promise<void> => {
  const key = lists.chunkKey(digest);
  const { namedBy, reference } = named;
  const object = { key, digest, namedBy, contentType: 'text/plain; charset=utf-8' };
  const text = await textOrDamage(key);
  if (text === null) return findDamage(check, object, 'dangling', 'it is not there');
  if (text === 'damaged') return findDamage(check, object, 'corrupt', 'it cannot be unpacked');
  const problems = problemsOfChunk(text, reference, named);
  if (problems.length === 0) return;
  if (objects.sha256(text) !== digest) return findDamage(check, object, 'corrupt', problems.join('; '));
  for (const detail of problems) find(check, 'corrupt', { key, namedBy, detail });
};

/** The bindings of domains are a function of the advanced settings that name them: whatever has become of the object, it can be made again. */
const checkBindings = async (check: Check, { digest, namedBy, text }: NamedBindings): Promise<void> => {
  const key = `${prefixes.artifacts}${digest}`;
  const stored = await textOrDamage(key);
  if (stored === text) return;
  find(check, stored === null ? 'dangling' : 'corrupt', {
    key,
    namedBy,
    detail: stored === null ? 'it is not there' : 'its bytes are not those that its name says',
    repair: 'stores it again, from the advanced settings that name it',
    mend: async () => {
      await objects.putText(key, text, 'application/json');
      return true;
    },
  });
};

const checkObjects = async (check: Check): Promise<void> => {
  const { table, chunks, report, progress } = check;
  await lists.eachOf([...table.roots.values()], async (named) => {
    await checkManifest(check, named);
    report.checked.lists += 1;
    progress('lists', report.checked.lists, table.roots.size);
  });
  await lists.eachOf([...chunks], async ([digest, named]) => {
    await checkChunk(check, digest, named);
    report.checked.chunks += 1;
    progress('chunks', report.checked.chunks, chunks.size);
  });
  await lists.eachOf([...table.bindings.values()], (named) => checkBindings(check, named));
  report.checked.bindings = table.bindings.size;
};

/** Why an object that nobody names is left alone, or how it goes. */
const orphanRepair = (check: Check, versions: ObjectVersion[]) => {
  const at = check.startedAt.getTime();
  const { doomed } = sweepable(versions, () => false, at, nothingCarried);
  if (check.unread > 0) return { detail: 'nobody that can be read names it' };
  if (doomed.length < versions.length)
    return { detail: 'nobody names it; it is less than a day old, so its writer may be about to' };
  return {
    detail: 'nobody names it',
    repair: `deletes its ${versions.length} version${versions.length === 1 ? '' : 's'}, as the sweep would`,
    mend: async () => {
      if (check.now().getTime() - at >= markMs) return false;
      await sweeping.deleteVersions(doomed);
      return true;
    },
  };
};

const findOrphan = (check: Check, key: string, prefix: string, versions: ObjectVersion[]): void => {
  const ours = digestOfKey(key, prefix) !== null;
  const told = ours ? orphanRepair(check, versions) : { detail: 'its name is no digest; it is left alone' };
  find(check, 'orphaned', { key, namedBy: [], ...told });
};

const isNamed = ({ table, chunks }: Check, key: string, prefix: string): boolean => {
  const digest = digestOfKey(key, prefix);
  return digest !== null && (table.roots.has(digest) || chunks.has(digest) || table.bindings.has(digest));
};

/** What is in the bucket and was before the check began, and nobody names. */
const checkPrefix = async (check: Check, prefix: string): Promise<void> => {
  const unnamed = new Map<string, ObjectVersion[]>();
  let cursor: string | undefined;
  do {
    const { versions, next } = await sweeping.listVersions(prefix, cursor);
    for (const version of versions)
      if (!isNamed(check, version.key, prefix) && version.modifiedAt < check.startedAt.getTime())
        unnamed.set(version.key, [...(unnamed.get(version.key) ?? []), version]);
    check.report.checked.versions += versions.length;
    check.progress('versions', check.report.checked.versions);
    cursor = next;
  } while (cursor !== undefined);
  for (const [key, versions] of unnamed) findOrphan(check, key, prefix, versions);
};

/** Walks the table and the bucket, and finds what is missing, damaged, left over or contradictory. Changes nothing. */
export const checkAll = async (options: CheckOptions): Promise<Report> => {
  const checked = {
    scanners: 0,
    revisions: 0,
    lists: 0,
    chunks: 0,
    bindings: 0,
    fleet: 0,
    rollouts: 0,
    versions: 0,
  };
  const check: Check = {
    ...options,
    table: { scanners: new Map(), roots: new Map(), bindings: new Map(), lost: [] },
    chunks: new Map(),
    fleet: new Map(),
    lives: new Map(),
    rollouts: [],
    damaged: new Set(),
    unread: 0,
    report: { checked, findings: [] },
  };
  await readTable(check);
  await checkHistories(check);
  await checkLives(check);
  await checkLacks(check);
  await checkRollouts(check);
  await checkObjects(check);
  await checkFleet(check);
  await checkSecrets(check);
  for (const prefix of sweptPrefixes) await checkPrefix(check, prefix);
  for (const job of check.table.lost)
    find(check, 'lost', {
      key: `import#${job.importId}`,
      namedBy: [`${job.scannerId} ${job.list}`],
      detail: `it is ${job.state}, and nobody has worked on it since ${job.begunAt ?? job.createdAt}`,
      repair: 'sends it to a worker again',
      mend: async () => (await imports.wakeJob(job, options.now())) !== null,
    });
  return check.report;
};
