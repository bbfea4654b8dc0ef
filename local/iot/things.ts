import { isDeepStrictEqual } from 'node:util';
import type { State } from '../state.ts';
import { ApiError, alreadyExists, invalidRequest, resourceNotFound } from './api-error.ts';
import type { ThingPrincipals } from './thing-principals.ts';
import { checkRegistryName, type ThingTypes } from './thing-types.ts';

/** A thing of the registry. `version` starts at 1 and grows with each change. */
export interface Thing {
  name: string;
  id: string;
  typeName?: string;
  attributes: Record<string, string>;
  version: number;
}

/** What CreateThing and UpdateThing may say. */
export interface ThingInput {
  typeName?: string;
  attributes?: Record<string, string>;
}

export interface ThingChange extends ThingInput {
  /** Adds to the attributes instead of replacing them; an empty value removes one. */
  merge: boolean;
  removeType: boolean;
  expectedVersion?: number;
}

/** The things of the registry. */
export interface Things {
  /** The same name with the same configuration succeeds; @throws ApiError 409 for the same name with another one. */
  create(name: string, input: ThingInput, arn: string): Thing;
  find(name: string): Thing | undefined;
  /** @throws ApiError 404. */
  require(name: string): Thing;
  update(name: string, change: ThingChange): void;
  /** Succeeds for an unknown thing; refuses one with certificates attached. Its shadows stay. */
  delete(name: string, expectedVersion?: number): void;
  /** Things after `after` in order of their names, of one type if it is given. */
  list(after: string, limit: number, typeName?: string): Thing[];
}

const schema = `
CREATE TABLE IF NOT EXISTS iot_thing (
  name TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT, attributes TEXT NOT NULL, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

const attributeName = /^[a-zA-Z0-9_.,@/:#-]{1,128}$/;
const attributeValue = /^[a-zA-Z0-9_.,@/:#=[\]-]{1,800}$/;
const attributesWithoutType = 3;
const attributesWithType = 50;

const checkAttributes = (attributes: Record<string, string>, typeName: string | undefined): void => {
  const most = typeName === undefined ? attributesWithoutType : attributesWithType;
  if (Object.keys(attributes).length > most)
    throw invalidRequest(
      `A thing ${typeName === undefined ? 'without' : 'with'} a type has at most ${most} attributes`,
    );
  for (const [key, value] of Object.entries(attributes))
    if (!attributeName.test(key) || !attributeValue.test(value))
      throw invalidRequest(`The attribute ${key} has a name or value that is not allowed`);
};

const withoutEmpty = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));

const newThing = (name: string, { typeName, attributes = {} }: ThingInput, id: string): Thing => ({
  name,
  id,
  ...(typeName !== undefined && { typeName }),
  attributes: withoutEmpty(attributes),
  version: 1,
});

const changed = (thing: Thing, { attributes: given, merge, removeType, ...change }: ThingChange): Thing => {
  const attributes = given ? { ...(merge && thing.attributes), ...given } : thing.attributes;
  const typeName = removeType ? undefined : (change.typeName ?? thing.typeName);
  const input = { attributes, ...(typeName !== undefined && { typeName }) };
  return { ...newThing(thing.name, input, thing.id), version: thing.version + 1 };
};

const checkVersion = (thing: Thing, expected: number | undefined): void => {
  if (expected !== undefined && expected !== thing.version)
    throw new ApiError(409, 'VersionConflictException', `The thing is at version ${thing.version}`);
};

interface Row {
  name: string;
  id: string;
  type: string | null;
  attributes: string;
  version: number;
}

const thingOf = ({ name, id, type, attributes, version }: Row): Thing => ({
  name,
  id,
  ...(type !== null && { typeName: type }),
  attributes: JSON.parse(attributes) as Record<string, string>,
  version,
});

/** Opens the things kept in `state`. */
export const openThings = (
  state: State,
  types: ThingTypes,
  principals: ThingPrincipals,
  newId: () => string,
): Things => {
  const { db } = state;
  db.exec(schema);
  const select = db.prepare('SELECT * FROM iot_thing WHERE name = ?');
  const put = db.prepare('INSERT OR REPLACE INTO iot_thing VALUES (?, ?, ?, ?, ?)');

  const find = (name: string): Thing | undefined => {
    const row = select.get(name) as Row | undefined;
    return row && thingOf(row);
  };

  const require = (name: string): Thing => {
    const thing = find(name);
    if (!thing) throw resourceNotFound(`Thing ${name} does not exist`);
    return thing;
  };

  const save = (thing: Thing): Thing => {
    if (thing.typeName !== undefined) types.require(thing.typeName);
    checkAttributes(thing.attributes, thing.typeName);
    put.run(thing.name, thing.id, thing.typeName ?? null, JSON.stringify(thing.attributes), thing.version);
    return thing;
  };

  const create = (name: string, input: ThingInput, arn: string): Thing => {
    checkRegistryName(name, 'thingName');
    const wanted = newThing(name, input, newId());
    const found = find(name);
    if (!found) return save(wanted);
    if (found.typeName !== wanted.typeName || !isDeepStrictEqual(found.attributes, wanted.attributes))
      throw alreadyExists(`Thing ${name}`, found.id, arn);
    return found;
  };

  const update = (name: string, change: ThingChange): void => {
    const thing = require(name);
    checkVersion(thing, change.expectedVersion);
    save(changed(thing, change));
  };

  const remove = (name: string, expectedVersion?: number): void => {
    const thing = find(name);
    if (!thing) return;
    checkVersion(thing, expectedVersion);
    if (principals.certificatesOf(name).length > 0)
      throw invalidRequest(`Thing ${name} is still attached to one or more principals`);
    db.prepare('DELETE FROM iot_thing WHERE name = ?').run(name);
  };

  const list = (after: string, limit: number, typeName?: string): Thing[] => {
    const sql = 'SELECT * FROM iot_thing WHERE name > ? AND (? IS NULL OR type = ?) ORDER BY name LIMIT ?';
    const rows = db.prepare(sql).all(after, typeName ?? null, typeName ?? null, limit);
    return (rows as unknown as Row[]).map(thingOf);
  };

  return {
    create: (name, input, arn) => state.transaction(() => create(name, input, arn)),
    find,
    require,
    update: (name, change) => state.transaction(() => update(name, change)),
    delete: (name, expectedVersion) => state.transaction(() => remove(name, expectedVersion)),
    list,
  };
};
