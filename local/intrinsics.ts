/** What a reference in a template stands for. */
export interface Names {
  /** `{ "Ref": id }`: a resource's physical name, a parameter's value, a pseudo parameter. */
  ref(id: string): string | undefined;
  /** `{ "Fn::GetAtt": [id, attribute] }`. */
  attribute(id: string, attribute: string): string | undefined;
}

type Json = unknown;
type JsonObject = Record<string, Json>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const known = (value: string | undefined, what: string): string => {
  if (value === undefined)
    throw new TypeError(`The template refers to ${what}, which the embedded stack does not know.`);
  return value;
};

const attribute = (names: Names, target: Json): string => {
  const [id, name] = Array.isArray(target) ? target.map(String) : String(target).split('.');
  return known(names.attribute(id ?? '', name ?? ''), `${id}.${name}`);
};

const substitute = (names: Names, value: Json): string => {
  const [text, own] = Array.isArray(value) ? [String(value[0]), value[1] as JsonObject] : [String(value), {}];
  return text.replace(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
    if (name in own) return String(resolve(names, own[name]));
    return name.includes('.') ? attribute(names, name) : known(names.ref(name), name);
  });
};

const join = (names: Names, value: Json): string => {
  const [separator, parts] = value as [string, Json];
  return (resolve(names, parts) as Json[]).map(String).join(separator);
};

const select = (names: Names, value: Json): Json => {
  const [index, list] = value as [string | number, Json];
  const item = (resolve(names, list) as Json[])[Number(index)];
  if (item === undefined) throw new TypeError(`The template selects item ${index} of a shorter list.`);
  return item;
};

const split = (names: Names, value: Json): Json => {
  const [separator, text] = value as [string, Json];
  return String(resolve(names, text)).split(separator);
};

const functions: Record<string, (names: Names, value: Json) => Json> = {
  Ref: (names, value) => known(names.ref(String(value)), String(value)),
  'Fn::GetAtt': attribute,
  'Fn::Sub': substitute,
  'Fn::Join': join,
  'Fn::Select': select,
  'Fn::Split': split,
};

/** A value of a template with its intrinsic functions (Ref, GetAtt, Sub, Join, Select, Split) worked out; any other one is refused. */
export const resolve = (names: Names, value: Json): Json => {
  if (Array.isArray(value)) return value.map((item) => resolve(names, item));
  if (!isObject(value)) return value;
  const [name = ''] = Object.keys(value);
  const apply = Object.keys(value).length === 1 ? functions[name] : undefined;
  if (apply) return apply(names, value[name]);
  if (name.startsWith('Fn::')) throw new TypeError(`The embedded stack does not know ${name}.`);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(names, member)]));
};
