import type { FleetItem } from '../../functions/stores/survey.ts';
import type { Json } from '../../shared/domain/canonical-json.ts';
import type { Head } from '../../shared/domain/configuration.ts';
import {
  type FleetState,
  holds,
  judgeFleet,
  judgeMembers,
  parseText,
} from '../../shared/domain/fsck-fleet.ts';
import { damageOf } from '../../shared/domain/stored-head.ts';
import { digestOfKey, writerMs } from '../../shared/domain/sweep.ts';
import { hasCode } from '../../shared/errors.ts';
import { keys, prefixes, sortKeys } from '../../shared/tables.ts';
import { type Check, find, findDamage, textOrDamage } from './found.ts';
import { tell } from './named.ts';
import { authorities, heads, lists, objects, sources, survey, sweeping } from './stores.ts';

/** How often an artifact whose items contradict each other is read again: somebody may be writing. */
const readings = 3;

/** Items of the artifacts of the fleet, by the name of the artifact. */
export type Fleet = Map<string, FleetItem[]>;

export const addFleetItem = (fleet: Fleet, item: FleetItem): void => {
  const name = item.pk.slice(keys.ofArtifact('').length);
  const items = fleet.get(name) ?? [];
  items.push(item);
  fleet.set(name, items);
};

const below = (items: readonly FleetItem[], prefix: string): FleetItem[] =>
  items.filter(({ sk }) => sk.startsWith(prefix));

const stateOf = (artifact: string, items: readonly FleetItem[]): FleetState => ({
  artifact,
  record: items.find(({ sk }) => sk === sortKeys.artifact) as unknown as FleetState['record'],
  users: below(items, keys.userPrefix).map(({ sk }) => sk.slice(keys.userPrefix.length)),
  usage: Number(items.find(({ sk }) => sk === keys.usage)?.['users'] ?? 0),
  loose: below(items, keys.objectPrefix) as unknown as FleetState['loose'],
});

/** An artifact as it was read: its items, and which digest of it heads name, by Scanner. */
interface Reading {
  state: FleetState;
  items: readonly FleetItem[];
  named: ReadonlyMap<string, string>;
}

/** What heads name of it. One that is decommissioned has given it back, though it still says what it was. */
const namedIn = (all: readonly Head[], artifact: string): Map<string, string> =>
  new Map(
    all.flatMap(({ scannerId, configuration, decommissionedAt }) => {
      const digest = decommissionedAt === undefined ? configuration.artifacts?.[artifact] : undefined;
      return digest === undefined ? [] : [[scannerId, digest] as const];
    }),
  );

/** The head of a Scanner; none also where the one that was found cannot be read, which is a finding of its own. */
const headOrNone = async ({ table, damaged }: Check, scannerId: string): Promise<Head[]> => {
  const isRead = (table.scanners.get(scannerId)?.heads.length ?? 0) > 0;
  if (damaged.has(keys.ofScanner(scannerId)) && !isRead) return [];
  try {
    return [await heads.readHead(scannerId)];
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return [];
    throw error;
  }
};

/** The same read again, of the Scanners that have to do with it. */
const readAgain = async (check: Check, { state: { artifact, users }, named }: Reading): Promise<Reading> => {
  const items = await survey.readFleetItems(artifact);
  const state = stateOf(artifact, items);
  const concerned = [...new Set([...users, ...state.users, ...named.keys()])];
  const present = (await lists.eachOf(concerned, (scannerId) => headOrNone(check, scannerId))).flat();
  return { state, items, named: namedIn(present, artifact) };
};

/** The content of a text that is what its name says; null where it is not: that is found elsewhere. */
const contentOf = async (digest: string | undefined): Promise<{ [name: string]: Json } | null> => {
  const text = digest === undefined ? null : await textOrDamage(`${prefixes.secrets}${digest}`);
  return text !== null && objects.sha256(text) === digest ? parseText(text) : null;
};

/** What anyone may see of the members in the vault, what Scanners fetch of them, and how many they use. */
const readVault = <T extends { id: string }>(
  collection: {
    isUsed(member: T): boolean;
    shown(member: T): object;
    content(used: readonly T[]): { [name: string]: Json };
  },
  members: readonly T[],
) => {
  const used = members.filter(collection.isUsed);
  const shown = new Map(members.map((member) => [member.id, collection.shown(member)]));
  return { shown, fetched: collection.content(used), used: used.length };
};

type Member<T> = T extends { isUsed(member: infer M): boolean } ? M : never;

const vaultOf = (artifact: string, members: Json) =>
  artifact === sources.directorySources.artifact
    ? readVault(sources.directorySources, members as unknown as Member<typeof sources.directorySources>[])
    : readVault(
        authorities.clientAuthorities,
        members as unknown as Member<typeof authorities.clientAuthorities>[],
      );

const judgeCollection = async ({ state: { artifact, record }, items }: Reading): Promise<string[]> => {
  const [text, held] = await Promise.all([contentOf(record?.digest), contentOf(record?.vault)]);
  if (!record || !Array.isArray(held?.['members'])) return [];
  const vault = vaultOf(artifact, held['members']);
  const members = below(items, keys.memberPrefix).map(
    (item) => [item.sk.slice(keys.memberPrefix.length), item] as const,
  );
  return [
    ...judgeMembers(new Map(members), vault.shown),
    ...(vault.used === record.used
      ? []
      : [`Scanners use ${vault.used} of its members; its record says ${record.used}`]),
    ...(text === null || holds(text, vault.fetched)
      ? []
      : ['what Scanners fetch is not what the vault holds']),
  ];
};

const judgeCertificate = async ({ state: { artifact, record } }: Reading): Promise<string[]> => {
  const text = await contentOf(record?.digest);
  if (!text) return [];
  const { chainDigest } = record as { chainDigest?: string };
  const same = objects.sha256(String(text['certificatePem'])) === chainDigest;
  return [
    ...(text['certificateId'] === artifact ? [] : ['its text is that of another certificate']),
    ...(same ? [] : ['its text has another chain than its record says']),
    ...(typeof text['privateKeyPem'] === 'string' ? [] : ['its text has no key']),
  ];
};

const isCollection = ({ state: { record } }: Reading): boolean => record?.vault !== undefined;

const judge = async (reading: Reading): Promise<string[]> => [
  ...judgeFleet(reading.state, reading.named),
  ...(await (isCollection(reading) ? judgeCollection(reading) : judgeCertificate(reading))),
];

/** Who names which text of an artifact: its record, and heads. */
const textsOf = ({ state: { record }, named }: Reading): Map<string, string[]> => {
  const texts = new Map<string, string[]>();
  const add = (digest: string | undefined, who: string) => {
    if (digest === undefined) return;
    const told = texts.get(digest) ?? [];
    tell(told, who);
    texts.set(digest, told);
  };
  add(record?.digest, 'its record');
  add(record?.vault, 'its record, as the vault');
  for (const [scannerId, digest] of named) add(digest, `the head of ${scannerId}`);
  return texts;
};

const wrongWith = (text: string | null | 'damaged', digest: string): string | null => {
  if (text === null) return 'it is not there';
  if (text === 'damaged') return 'it cannot be unpacked';
  return objects.sha256(text) === digest ? null : 'its bytes are not those that its name says';
};

const checkText = async (check: Check, reading: Reading, digest: string, who: string[]): Promise<void> => {
  const key = `${prefixes.secrets}${digest}`;
  const wrong = wrongWith(await textOrDamage(key), digest);
  const stillNamed = async () => textsOf(await readAgain(check, reading)).has(digest);
  if (wrong === null || !(await stillNamed())) return;
  const namedBy = who.map((one) => `${reading.state.artifact}: ${one}`);
  const object = { key, digest, namedBy, contentType: 'application/json', stillNamed };
  await findDamage(check, object, wrong === 'it is not there' ? 'dangling' : 'corrupt', wrong);
};

const checkArtifact = async (check: Check, read: Reading): Promise<void> => {
  let reading = read;
  let problems = await judge(reading);
  for (let again = 0; problems.length > 0 && again < readings; again++) {
    reading = await readAgain(check, reading);
    problems = await judge(reading);
  }
  const { artifact } = reading.state;
  for (const detail of problems)
    find(check, 'inconsistent', { key: keys.ofArtifact(artifact), namedBy: [], detail });
  for (const [digest, who] of textsOf(reading)) await checkText(check, reading, digest, who);
};

const headsOf = ({ table }: Check): Head[] => [...table.scanners.values()].flatMap((items) => items.heads);

/** Artifacts of the fleet: users, counts, members and texts agree with one another and with the heads. */
export const checkFleet = async (check: Check): Promise<void> => {
  const all = headsOf(check);
  const inHeads = all.flatMap(({ configuration }) => Object.keys(configuration.artifacts ?? {}));
  const names = [...new Set([...check.fleet.keys(), ...inHeads])];
  for (const name of names) {
    const items = check.fleet.get(name) ?? [];
    const state = stateOf(name, items);
    await checkArtifact(check, { state, items, named: namedIn(all, name) });
    check.report.checked.fleet += 1;
    check.progress('artifacts of the fleet', check.report.checked.fleet, names.length);
  }
};

/** Digests of texts that a record, an item of what is left over, or a head names. */
const namedSecrets = (fleet: Fleet, all: readonly Head[]): Set<string> =>
  new Set(
    [
      ...[...fleet].flatMap(([name, items]) => {
        const { record, loose } = stateOf(name, items);
        return [record?.digest, record?.vault, ...loose.map(({ digest }) => digest)];
      }),
      ...all.flatMap(({ configuration }) => Object.values(configuration.artifacts ?? {})),
    ].filter((digest) => digest !== undefined),
  );

/** Keys under `secrets/` that are there, none of whose versions is younger than a day, and that nobody names. */
const unnamedSecrets = async (check: Check, named: ReadonlySet<string>): Promise<string[]> => {
  const newest = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = await sweeping.listVersions(prefixes.secrets, cursor);
    for (const { key, modifiedAt } of page.versions)
      newest.set(key, Math.max(newest.get(key) ?? 0, modifiedAt));
    check.report.checked.versions += page.versions.length;
    cursor = page.next;
  } while (cursor !== undefined);
  const isOld = (modifiedAt: number) => modifiedAt <= check.startedAt.getTime() - writerMs;
  const old = [...newest].filter(([, modifiedAt]) => isOld(modifiedAt)).map(([key]) => key);
  const unnamed = old.filter((key) => !named.has(digestOfKey(key, prefixes.secrets) ?? ''));
  // What was deleted is one version back until the lifecycle takes it.
  const sizes = await lists.eachOf(unnamed, objects.sizeOf);
  return unnamed.filter((_, index) => sizes[index] !== null);
};

/** What the table names now: a text that changed hands while it was read may have been seen in neither. */
const namedNow = async (at: Date): Promise<Set<string>> => {
  const fleet: Fleet = new Map();
  const all: Head[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await survey.surveyTable(from, at, { withFleet: true });
    for (const item of page.fleet) addFleetItem(fleet, item);
    all.push(...page.heads.filter((head) => damageOf(head) === null));
    from = page.next;
  } while (from);
  return namedSecrets(fleet, all);
};

/**
 * Texts with secrets that nobody names. They are only reported: a key that is deleted is gone, and that there is one at all
 * means that something went wrong which nobody knows (ADR 0008: no text is left over unknown).
 */
export const checkSecrets = async (check: Check): Promise<void> => {
  const unnamed = await unnamedSecrets(check, namedSecrets(check.fleet, headsOf(check)));
  if (unnamed.length === 0) return;
  const named = await namedNow(check.startedAt);
  for (const key of unnamed) {
    const digest = digestOfKey(key, prefixes.secrets);
    if (digest !== null && named.has(digest)) continue;
    const detail =
      digest === null ? 'its name is no digest' : 'nobody names it, and it is more than a day old';
    find(check, 'orphaned', { key, namedBy: [], detail });
  }
};
