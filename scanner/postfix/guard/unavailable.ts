import { ResultCodeError } from 'ldapts';

/** Which server does not answer whether a password is right, and why, in words. Nothing of who was asked about is in it. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable';

  constructor({ host, port }: { host: string; port: number }, why: string) {
    super(`${host}:${port}: ${why}`);
  }
}

export const notInTime = 'it does not answer in time';

/** One line of what a server or a library has said. */
const line = (text: string): string => text.replace(/[^\u0020-\u007e]+/g, ' ').slice(0, 200);

const system: Record<string, string> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'its name is not found',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: notInTime,
};

/** What a failure before any name was sent comes to: a message of these says nothing of who was asked about. */
export const whyNoConnection = (error: Error & { code?: unknown }): string => {
  const { name, message } = error;
  if (name === 'TimeoutError' || name === 'AbortError') return notInTime;
  const [code = ''] =
    /\bE[A-Z_]{3,}\b/.exec(`${error.code} ${message}`.replace(/\b(?:ESOCKET|ECONNECTION)\b/g, '')) ?? [];
  if (/certificate|altnames|self.signed/i.test(message))
    return `its certificate is not verified (${line(message)})`;
  return system[code] ?? (line(message) || code);
};

/** Of a directory only the number and the name of a result are told: what it says of it may hold the name that was asked for. */
export const whyNoAnswer = (error: unknown): string =>
  error instanceof ResultCodeError
    ? `it answers with the LDAP result ${error.code} (${error.name})`
    : whyNoConnection(error as Error);
