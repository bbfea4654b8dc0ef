export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

const members = (value: { readonly [name: string]: Json | undefined }): string =>
  Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] as Json)}`)
    .join(',');

/**
 * Canonical JSON (RFC 8785): no white space, members ordered by the UTF-16 code units of their names, numbers and strings
 * as ECMAScript writes them. Members that are undefined are left out.
 */
export const canonicalJson = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Json)).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${members(value as { readonly [name: string]: Json | undefined })}}`;
  return JSON.stringify(value);
};
