import { lineReader } from './lines.ts';

/** Attributes of one request, by name (Postfix, SMTPD_POLICY_README, "Protocol description"). */
export type Attributes = ReadonlyMap<string, string>;

/** What is sent is no request: the README has the server log that and disconnect, without an answer. */
export class PolicyProtocolError extends Error {
  override readonly name = 'PolicyProtocolError';
}

/** Postfix reads lines of 2,048 bytes from clients, and writes them as xtext at most three times as long. */
const longestLine = 8192;
/** Postfix 3.12 sends 36. */
const mostAttributes = 128;

/**
 * Cuts what comes in into requests: lines `name=value`, then an empty line. Several may come at once. Of an attribute that comes twice the
 * first stays.
 */
export const policyReader = (): ((piece: Uint8Array) => Attributes[]) => {
  const read = lineReader(longestLine);
  let attributes = new Map<string, string>();
  const take = (line: string): Attributes | null => {
    if (line === '') {
      const whole = attributes;
      attributes = new Map();
      return whole;
    }
    const equals = line.indexOf('=');
    if (equals < 1) throw new PolicyProtocolError('a line is no attribute');
    if (attributes.size >= mostAttributes) throw new PolicyProtocolError('a request has too many attributes');
    const name = line.slice(0, equals);
    if (!attributes.has(name)) attributes.set(name, line.slice(equals + 1));
    return null;
  };
  return (piece) => read(piece).flatMap((line) => take(line) ?? []);
};

/** The answer to one request: an action as in an access(5) table. */
export const policyAnswer = (action: string): string => `action=${action}\n\n`;
