/**
 * The grammar of a search filter as text (RFC 4515, section 3), read far enough to say where it breaks. Positions count characters
 * from 1.
 */

/** RFC 4512, section 2.5: a name or a number with dots, then options. */
const attribute = /^(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+)(?:;[A-Za-z0-9-]+)*/;
const rule = /^(?::dn)?(?::(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+))?(?=:=)/i;
/** Filters in filters; far more than any real one has. */
const deepest = 50;

class FilterFault extends Error {}

const fail = (at: number, why: string): never => {
  throw new FilterFault(`At character ${at + 1}: ${why}.`);
};

/** Reads an assertion value up to its closing parenthesis. A star is a wildcard; all other special characters are escaped. */
const readValue = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && text[at] !== ')') {
    const character = text[at] ?? '';
    if (character === '(' || character === '\u0000')
      fail(at, `${JSON.stringify(character)} in a value is written as a backslash and two hex digits`);
    if (character === '\\' && !/^\\[0-9A-Fa-f]{2}/.test(text.slice(at, at + 3)))
      fail(at, 'a backslash stands before two hex digits');
    at += character === '\\' ? 3 : 1;
  }
  return at;
};

const readItem = (text: string, from: number): number => {
  const name = attribute.exec(text.slice(from))?.[0] ?? '';
  let at = from + name.length;
  const extensible = rule.exec(text.slice(at))?.[0] ?? '';
  if (name === '' && extensible === '') fail(from, 'an attribute is expected, such as "mail"');
  at += extensible.length;
  const operator = /^(?::=|~=|>=|<=|=)/.exec(text.slice(at))?.[0];
  if (!operator) return fail(at, 'one of = ~= >= <= or := is expected');
  return readValue(text, at + operator.length);
};

const readMany = (text: string, from: number, depth: number): number => {
  let at = from;
  while (text[at] === '(') at = readFilter(text, at, depth + 1);
  return at;
};

const readInner = (text: string, at: number, depth: number): number => {
  const operator = text[at] ?? '';
  if (operator === '&' || operator === '|') return readMany(text, at + 1, depth);
  return operator === '!' ? readFilter(text, at + 1, depth + 1) : readItem(text, at);
};

/** Reads one filter in parentheses and answers where it ends. */
const readFilter = (text: string, at: number, depth: number): number => {
  if (depth > deepest) fail(at, `filters stand in filters up to ${deepest} deep`);
  if (text[at] !== '(') fail(at, '"(" is expected');
  const end = readInner(text, at + 1, depth);
  if (text[end] !== ')') fail(end, '")" is expected');
  return end + 1;
};

/** What is wrong with a search filter, or undefined for one that is right. */
export const filterFault = (text: string): string | undefined => {
  try {
    const end = readFilter(text, 0, 0);
    return end === text.length ? undefined : `At character ${end + 1}: the filter has ended already.`;
  } catch (error) {
    if (error instanceof FilterFault) return error.message;
    throw error;
  }
};
