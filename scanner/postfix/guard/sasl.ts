/** What a client gave to prove who it is. Never logged. */
export interface Credentials {
  name: string;
  password: string;
}

/** What an exchange comes to with one response of the client: a further challenge, credentials, or nothing that could be any. */
export type Step =
  | { kind: 'challenge'; challenge: string; next: (response: string) => Step }
  | { kind: 'credentials'; credentials: Credentials }
  | { kind: 'malformed' };

const malformed: Step = { kind: 'malformed' };

/** A name of 254 characters is the longest of RFC 5321; directories have longer ones. Bytes. */
const longestName = 1024;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a response, or null for what is no base64 of UTF-8. A lone `=` is an empty response (RFC 4954, section 4). */
const textOf = (response: string): string | null => {
  if (response === '=') return '';
  if (!base64.test(response)) return null;
  try {
    return utf8.decode(Buffer.from(response, 'base64'));
  } catch {
    return null;
  }
};

const challengeOf = (text: string): string => Buffer.from(text).toString('base64');

/** Names and passwords are not empty: an empty password would bind to a directory as nobody (RFC 4513, section 5.1.2), and succeed. */
const credentialsOf = (name: string, password: string): Step => {
  const isName = name !== '' && name.length <= longestName && !/[\u0000-\u001f\u007f]/.test(name);
  if (!isName || password === '' || password.includes('\u0000')) return malformed;
  return { kind: 'credentials', credentials: { name, password } };
};

/** RFC 4616: who to act as (nobody but oneself), who one is, and the password, with NUL between them. */
const plain = (response: string): Step => {
  const parts = textOf(response)?.split('\u0000') ?? [];
  const [actAs = '', name = '', password = ''] = parts;
  if (parts.length !== 3 || (actAs !== '' && actAs !== name)) return malformed;
  return credentialsOf(name, password);
};

const loginName = (response: string): Step => {
  const name = textOf(response);
  if (name === null) return malformed;
  return {
    kind: 'challenge',
    challenge: challengeOf('Password:'),
    next: (second) => {
      const password = textOf(second);
      return password === null ? malformed : credentialsOf(name, password);
    },
  };
};

const challenged = (challenge: string, next: (response: string) => Step, first: string | null): Step =>
  first === null ? { kind: 'challenge', challenge, next } : next(first);

/** How each mechanism begins, with the response that a client may send at once. */
export const mechanisms: Readonly<Record<string, (first: string | null) => Step>> = {
  PLAIN: (first) => challenged('', plain, first),
  LOGIN: (first) => challenged(challengeOf('Username:'), loginName, first),
};

export const beginExchange = (mechanism: string, first: string | null): Step => {
  const name = mechanism.toUpperCase();
  return Object.hasOwn(mechanisms, name) ? (mechanisms[name]?.(first) ?? malformed) : malformed;
};
