import { mechanisms } from './sasl.ts';

/**
 * Dovecot's authentication protocol as a server, version 1.1, as far as an SMTP server asks (doc.dovecot.org, "Authentication Protocol";
 * Postfix, xsasl_dovecot_server.c). Lines of fields with tabs between them.
 */

/** Postfix passes on what an SMTP client sent in a line of up to 12,288 bytes (RFC 4954, section 4). */
export const longestLine = 16_384;

export type ClientLine =
  | { kind: 'version'; major: string }
  | {
      kind: 'auth';
      id: string;
      mechanism: string;
      service: string;
      client: string;
      secured: boolean;
      response: string | null;
    }
  | { kind: 'continue'; id: string; response: string }
  | { kind: 'other' };

const isId = (text: string | undefined): text is string => /^\d{1,10}$/.test(text ?? '');

const authLine = ([id, mechanism = '', ...parameters]: string[]): ClientLine => {
  if (!isId(id)) return { kind: 'other' };
  const value = (name: string) =>
    parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
  return {
    kind: 'auth',
    id,
    mechanism,
    service: value('service') ?? '',
    client: value('rip') ?? '',
    secured: parameters.includes('secured'),
    response: value('resp'),
  };
};

/** What a client's line says; `other` is what the protocol has a server ignore. */
export const readClientLine = (line: string): ClientLine => {
  const [command, ...fields] = line.split('\t');
  if (command === 'VERSION') return { kind: 'version', major: fields[0] ?? '' };
  if (command === 'AUTH') return authLine(fields);
  const [id, response = ''] = fields;
  return command === 'CONT' && isId(id) ? { kind: 'continue', id, response } : { kind: 'other' };
};

/** What a server says first. Both mechanisms send the password as it is, which `noplaintext` lets Postfix refuse. */
export const greeting = (connection: number, cookie: string): string =>
  [
    'VERSION\t1\t1',
    ...Object.keys(mechanisms).map((name) => `MECH\t${name}\tplaintext`),
    `SPID\t${process.pid}`,
    `CUID\t${connection}`,
    `COOKIE\t${cookie}`,
    'DONE',
    '',
  ].join('\n');

export const continued = (id: string, challenge: string): string => `CONT\t${id}\t${challenge}\n`;
export const succeeded = (id: string, name: string): string => `OK\t${id}\tuser=${name}\n`;
export const failed = (id: string, reason: string): string => `FAIL\t${id}\treason=${reason}\n`;
