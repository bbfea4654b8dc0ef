type Json = unknown;
type JsonObject = Record<string, Json>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sameArray = (one: Json[], other: Json[]) =>
  one.length === other.length &&
  one.every((item, index) => JSON.stringify(item) === JSON.stringify(other[index]));

const equal = (one: Json, other: Json): boolean =>
  Array.isArray(one) && Array.isArray(other) ? sameArray(one, other) : Object.is(one, other);

const changeOf = (present: Json, wanted: Json): Json | undefined => {
  if (isObject(present) && isObject(wanted)) return shadowDifference(present, wanted);
  return equal(present, wanted) ? undefined : wanted;
};

/**
 * The smallest shadow update that turns one section into another: members that differ, and null for what has gone
 * (the shadow service merges objects and removes what is null). Undefined when there is nothing to send.
 */
export const shadowDifference = (present: JsonObject, wanted: JsonObject): JsonObject | undefined => {
  const kept = (name: string) => Object.hasOwn(wanted, name) && wanted[name] !== undefined;
  const gone = Object.keys(present).filter((name) => !kept(name));
  const changed = Object.entries(wanted).flatMap(([name, value]): [string, Json][] => {
    if (value === undefined) return [];
    const change = Object.hasOwn(present, name) ? changeOf(present[name], value) : value;
    return change === undefined ? [] : [[name, change]];
  });
  const changes: [string, Json][] = [...gone.map((name): [string, Json] => [name, null]), ...changed];
  // From entries, so that a name like `__proto__` is a member as any other.
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
};
