type Json = unknown;
type JsonObject = Record<string, Json>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sameArray = (one: Json[], other: Json[]) =>
  one.length === other.length &&
  one.every((item, index) => JSON.stringify(item) === JSON.stringify(other[index]));

const equal = (one: Json, other: Json): boolean =>
  Array.isArray(one) && Array.isArray(other) ? sameArray(one, other) : Object.is(one, other);

const empty = (value: JsonObject): boolean => Object.keys(value).length === 0;

const changeOf = (present: Json, wanted: Json): Json | undefined => {
  if (isObject(present) && isObject(wanted)) return shadowDifference(present, wanted);
  return equal(present, wanted) ? undefined : wanted;
};

/**
 * The smallest shadow update that turns one section into another: members that differ, and null for what has gone
 * (the shadow service merges objects and removes what is null). Undefined when there is nothing to send.
 */
export const shadowDifference = (present: JsonObject, wanted: JsonObject): JsonObject | undefined => {
  const changes: JsonObject = {};
  for (const key of Object.keys(present)) if (wanted[key] === undefined) changes[key] = null;
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const change = key in present ? changeOf(present[key], value) : value;
    if (change !== undefined) changes[key] = change;
  }
  return empty(changes) ? undefined : changes;
};
