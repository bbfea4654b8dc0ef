import { isDeepStrictEqual } from 'node:util';
import type { State } from '../state.ts';
import { alreadyExists, invalidRequest, resourceNotFound } from './api-error.ts';

export interface ThingType {
  name: string;
  id: string;
  properties: Record<string, unknown>;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface ThingTypes {
  /** The same name with the same properties succeeds; @throws ApiError 409 for the same name with others. */
  create(name: string, properties: Record<string, unknown>, arn: string): ThingType;
  /** @throws ApiError 404. */
  require(name: string): ThingType;
}

const namePattern = /^[a-zA-Z0-9:_-]{1,128}$/;

/** Names of things and thing types. @throws ApiError 400. */
export const checkRegistryName = (name: string, what: string): void => {
  if (!namePattern.test(name)) throw invalidRequest(`${what} must match ${namePattern.source}`);
};

const schema = `
CREATE TABLE IF NOT EXISTS iot_thing_type (
  name TEXT PRIMARY KEY, id TEXT NOT NULL, properties TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

/** Opens the thing types kept in `state`. */
export const openThingTypes = (state: State, now: () => Date, newId: () => string): ThingTypes => {
  const { db } = state;
  db.exec(schema);
  const select = db.prepare(
    'SELECT name, id, properties, created_at AS createdAt FROM iot_thing_type WHERE name = ?',
  );
  const insert = db.prepare('INSERT INTO iot_thing_type VALUES (?, ?, ?, ?)');

  const find = (name: string): ThingType | undefined => {
    const row = select.get(name) as (Omit<ThingType, 'properties'> & { properties: string }) | undefined;
    return row && { ...row, properties: JSON.parse(row.properties) as Record<string, unknown> };
  };

  const require = (name: string): ThingType => {
    const type = find(name);
    if (!type) throw resourceNotFound(`Thing type ${name} does not exist`);
    return type;
  };

  const create = (name: string, properties: Record<string, unknown>, arn: string): ThingType => {
    checkRegistryName(name, 'thingTypeName');
    const found = find(name);
    if (found && !isDeepStrictEqual(found.properties, properties))
      throw alreadyExists(`Thing type ${name}`, found.id, arn);
    if (!found) insert.run(name, newId(), JSON.stringify(properties), now().getTime());
    return found ?? require(name);
  };

  return {
    create: (name, properties, arn) => state.transaction(() => create(name, properties, arn)),
    require,
  };
};
