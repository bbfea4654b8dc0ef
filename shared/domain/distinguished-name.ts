/**
 * The grammar of a distinguished name as text (RFC 4514, section 3), read far enough to say where it breaks. Positions count characters
 * from 1.
 */

const attributeType = /^(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+)$/;
const hexString = /^#(?:[0-9A-Fa-f]{2})+$/;
const escaped = /^\\(?:[ "#+,;<=>\\]|[0-9A-Fa-f]{2})/;

/** Where a value ends: at the next plus or comma that is not escaped. A position and a sentence where it breaks. */
const readValue = (text: string, from: number): { end: number } | { at: number; why: string } => {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '+') {
    const character = text[at] ?? '';
    if (character === '\\') {
      const pair = escaped.exec(text.slice(at))?.[0];
      if (!pair) return { at, why: 'a backslash stands before a special character or two hex digits' };
      at += pair.length;
    } else if ('";<>\u0000'.includes(character))
      return { at, why: `${JSON.stringify(character)} must be escaped with a backslash` };
    else at += 1;
  }
  return { end: at };
};

const valueFault = (value: string): string | undefined =>
  value.startsWith('#') && !hexString.test(value)
    ? 'a value that begins with # is pairs of hex digits'
    : undefined;

const sentence = (at: number, why: string): string => `At character ${at + 1}: ${why}.`;

/** Reads one `type=value` from a position: where the next begins, or what is wrong. */
const readPart = (text: string, from: number): number | string => {
  const equals = text.indexOf('=', from);
  const type = text.slice(from, equals < 0 ? undefined : equals);
  if (equals < 0 || !attributeType.test(type.trim()))
    return sentence(from, 'an attribute is expected, such as "ou=people"');
  const leading = /^ */.exec(text.slice(equals + 1))?.[0].length ?? 0;
  const start = equals + 1 + leading;
  const value = readValue(text, start);
  if ('why' in value) return sentence(value.at, value.why);
  const why = valueFault(text.slice(start, value.end).replace(/(?<!\\) +$/, ''));
  return why === undefined ? value.end : sentence(start, why);
};

/**
 * What is wrong with a distinguished name, or undefined for one that is right. The empty name is the root of a directory. Spaces around
 * separators, which older texts have (RFC 2253, section 4), are taken.
 */
export const distinguishedNameFault = (text: string): string | undefined => {
  if (text === '') return undefined;
  let at = 0;
  for (;;) {
    const end = readPart(text, at);
    if (typeof end === 'string') return end;
    if (end === text.length) return undefined;
    at = end + 1;
    at += /^ */.exec(text.slice(at))?.[0].length ?? 0;
  }
};
