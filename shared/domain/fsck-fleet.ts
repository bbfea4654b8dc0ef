import { canonicalJson, type Json } from './canonical-json.ts';

/**
 * What the table says of one artifact of the fleet, as far as it can be wrong (ADR 0008). Nothing that is answered here
 * holds a value of a text: names of Scanners, members and fields alone, and digests, which are salted.
 */
export interface FleetState {
  artifact: string;
  record?: { digest: string; vault?: string; used?: number } | undefined;
  /** Scanners of which an item says that their heads name it. */
  users: readonly string[];
  /** How many there are, as it is counted. */
  usage: number;
  /** Texts that the record does not name, not yet or no more. */
  loose: readonly { digest: string; state: 'staged' | 'retired' }[];
}

const toldOf = 3;

const some = (names: readonly string[]): string =>
  `${names.slice(0, toldOf).join(', ')}${names.length > toldOf ? ` and ${names.length - toldOf} more` : ''}`;

const problemIf = (names: readonly string[], text: (told: string) => string): string[] =>
  names.length === 0 ? [] : [text(some(names))];

/** What contradicts what: users against heads, their count, what heads name against what there is to be named. `named`: by Scanner, the digest in its head. */
export const judgeFleet = (state: FleetState, named: ReadonlyMap<string, string>): string[] => {
  const { record, users, usage, loose } = state;
  const retired = new Set(loose.filter((one) => one.state === 'retired').map(({ digest }) => digest));
  const known = (digest: string) => digest === record?.digest || retired.has(digest);
  const left = loose.filter(({ digest }) => digest === record?.digest || digest === record?.vault);
  const heads = [...named.keys()];
  const userSet = new Set(users);
  return [
    ...(record
      ? []
      : problemIf(
          [...new Set([...heads, ...users])],
          (told) => `${told}: used, and there is no record of it`,
        )),
    ...problemIf(
      heads.filter((scannerId) => !userSet.has(scannerId)),
      (told) => `${told}: named by the head, and not among its users`,
    ),
    ...problemIf(
      users.filter((scannerId) => !named.has(scannerId)),
      (told) => `${told}: among its users, and not named by the head`,
    ),
    ...(usage === users.length ? [] : [`users: it has ${users.length} of them; their count says ${usage}`]),
    ...problemIf(
      record ? heads.filter((scannerId) => !known(named.get(scannerId) ?? '')) : [],
      (told) => `${told}: the head names a text that is neither the present one nor about to be replaced`,
    ),
    ...left.map(
      ({ digest }) => `its record names ${digest}, and an item says that nobody does: it may be deleted`,
    ),
  ];
};

/** A member without what the table adds to its item, and without warnings, which depend on the version that wrote them. */
const fieldsOf = (member: object): Map<string, string> =>
  new Map(
    Object.entries(member)
      .filter(([name]) => !['pk', 'sk', 'format', 'warnings'].includes(name))
      .map(([name, value]) => [name, canonicalJson(value as Json)]),
  );

const differing = (one: object, other: object): string[] => {
  const [left, right] = [fieldsOf(one), fieldsOf(other)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((name) => left.get(name) !== right.get(name));
};

/** The items of members against the vault, both by id and as anyone may see them. Of a difference only the names of the fields are told. */
export const judgeMembers = (
  items: ReadonlyMap<string, object>,
  vault: ReadonlyMap<string, object>,
): string[] => [
  ...problemIf(
    [...items.keys()].filter((id) => !vault.has(id)),
    (told) => `${told}: a member, and not in the vault`,
  ),
  ...problemIf(
    [...vault.keys()].filter((id) => !items.has(id)),
    (told) => `${told}: in the vault, and no member`,
  ),
  ...[...items].flatMap(([id, item]) => {
    const fields = differing(item, vault.get(id) ?? item);
    return fields.length === 0
      ? []
      : [`${id}: its member and the vault differ in ${fields.sort().join(', ')}`];
  }),
];

/** True when a text holds this content, whatever its salt. */
export const holds = (text: { [name: string]: Json }, content: { [name: string]: Json }): boolean => {
  const { format: _, salt: __, ...held } = text;
  return canonicalJson(held) === canonicalJson(content);
};

/** What a text says that may be JSON or not; an error of the parser would quote it. */
export const parseText = (text: string): { [name: string]: Json } | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as { [name: string]: Json })
      : null;
  } catch {
    return null;
  }
};
