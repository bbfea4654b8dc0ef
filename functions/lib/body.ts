import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** The body to the byte; API Gateway sends what is not text in base64. */
export const bytesOf = (event: Pick<APIGatewayProxyEventV2, 'body' | 'isBase64Encoded'>): Buffer =>
  Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');

/** An escaped surrogate; only where there is one can a string be ill-formed, for the text itself was UTF-8. */
const escapedSurrogate = /\\u[dD][89a-fA-F]/;

const assertWellFormed = (key: string, value: unknown): unknown => {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value;
  throw new SyntaxError('a string has half of a surrogate pair (RFC 7493, section 2.1)');
};

/** Levels of objects and arrays that a body may have: far more than any document has, and no risk for what walks it. */
export const deepest = 64;

/** A member of this name is a trap for what copies objects, and no document has one. */
const assertOrdinary = (holder: object): void => {
  if (Object.hasOwn(holder, '__proto__')) throw new SyntaxError('no member may be called __proto__');
};

const assertNotTooDeep = (value: unknown): void => {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const holders = level.filter((one) => typeof one === 'object' && one !== null) as object[];
    if (holders.length > 0 && depth === deepest)
      throw new SyntaxError(`it is nested deeper than ${deepest} levels (RFC 8259, section 9)`);
    for (const holder of holders) assertOrdinary(holder);
    level = holders.flatMap((holder) => Object.values(holder));
  }
};

/** The engine's message may show the text around a mistake, and in it a part of a key or of a password. */
const withoutExcerpt = (message: string): string =>
  message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '');

const read = (text: string, reviver?: (key: string, value: unknown) => unknown): unknown => {
  try {
    return JSON.parse(text, reviver);
  } catch (error) {
    throw new SyntaxError(withoutExcerpt((error as Error).message));
  }
};

/**
 * JSON whose strings are all Unicode text: stores and Scanners could not keep anything else. Up to `deepest` levels. A SyntaxError that
 * repeats nothing of it.
 */
export const parseJson = (text: string): unknown => {
  const whole = read(text);
  assertNotTooDeep(whole);
  return escapedSurrogate.test(text) ? read(text, assertWellFormed) : whole;
};
