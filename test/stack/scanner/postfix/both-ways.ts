import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { hostFormat } from '../../../../shared/domain/hosts.ts';
import { until } from '../../../helpers/until.ts';
import { type Configured, inboundAt, openFolder, put, sinkIn, smtpTo, withinAMinute } from './world.ts';

export interface Mail {
  from: string;
  to: string[];
  text: string;
}

/** A server that mail is delivered to, which may refuse every recipient. */
export const startServer = async ({ port = 0, refuses = false } = {}) => {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onRcptTo: (_, __, done) =>
      done(refuses ? Object.assign(new Error('nobody'), { responseCode: 550 }) : null),
    onData(stream, { envelope }, done) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        mails.push({
          from: envelope.mailFrom ? envelope.mailFrom.address : '',
          to: envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(pieces).toString('latin1'),
        });
        done();
      });
    },
  });
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { mails, port: (server.server.address() as { port: number }).port };
};

const hostAt = (port: number) => ({ host: '127.0.0.1', port, mxLookup: false, preference: 10 });
const relayList = (port: number): string =>
  hostFormat.line({ ...hostAt(port), hostId: 'host-0000000000000000' });

const message = (subject: string): string =>
  `From: <a@there.example>\r\nSubject: ${subject}\r\n\r\nThe body of ${subject}.\r\n.`;

/** Has a message taken; says what the server said last. */
export const send = async (port: number, subject: string, to = 'b@foreign.example') => {
  const session = await smtpTo(port);
  await session.say('EHLO there.example');
  await session.say('MAIL FROM:<a@there.example>');
  await session.say(`RCPT TO:<${to}>`);
  await session.say('DATA');
  expect(await session.say(message(subject))).toMatchObject({ code: 250 });
  session.close();
};

interface Queued {
  queue_id: string;
  queue_name: string;
  recipients: { address: string; delay_reason?: string }[];
}

/** An operator's commands, as docs/postfix.md has them. */
const operatorOf = (current: string) => {
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, ['-c', current, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
  const queued = (): Queued[] =>
    run('postqueue', '-j')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Queued);
  /** Why the only message waits for another attempt; undefined where it does not. */
  const reasonNow = (): string | undefined => {
    const [one, another] = queued();
    return another || one?.queue_name !== 'deferred' ? undefined : one.recipients[0]?.delay_reason;
  };
  /** What is requeued is looked for once a minute, and when Postfix is reloaded. */
  const requeue = (id: string): void => {
    run('postsuper', '-r', id);
    run('postfix', 'reload');
  };
  return {
    reasonNow,
    /** Has what waits tried now, until `isTried`. */
    flush: (isTried: () => boolean | undefined) =>
      until('it is tried', () => isTried() || void run('postqueue', '-f'), { everyMs: 500 }),
    requeue,
    /** Requeues one message with a filter that says where it goes; until it has gone. */
    requeueTo: async (filter: string, hasGone: () => boolean) => {
      const [{ queue_id: id } = { queue_id: '' }] = queued();
      const master = join(realpathSync(current), 'master.cf');
      const kept = readFileSync(master);
      run('postconf', '-P', `pickup/unix/content_filter=${filter}`);
      run('postfix', 'reload');
      requeue(id);
      await until('it has gone', hasGone, withinAMinute);
      writeFileSync(master, kept);
      run('postfix', 'reload');
    },
    /** Waits until the only message waits for another attempt, for a reason that says `what`; says the whole of it. */
    reason: (what = '') =>
      until(`it waits: ${what}`, () => reasonNow()?.includes(what) && reasonNow(), withinAMinute),
  };
};

/**
 * A Scanner of both ways: strangers come in at one port, mail from here at another. It goes out to a relay host, so that whatever leaves is
 * seen.
 */
export const bothWays = async (relay: { mails: Mail[]; port: number }) => {
  const { sink, parts } = await sinkIn(openFolder());
  await sink.held();
  const [port, outbound] = [await freePort(), await freePort()];
  const configuration = (revision: number, hosts: readonly number[]): Configured => ({
    revision,
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: inboundAt(port).inbound,
      outbound: { ipv4: { address: '127.0.0.1', port: outbound }, nonLocalDelivery: 'relay' },
    },
    hosts: hosts.map(hostAt),
    lists: { outbound: '127.0.0.1\n', relay: relayList(relay.port) },
  });
  const apply = (revision: number, ...hosts: number[]) => put(sink, configuration(revision, hosts));
  return { port, outbound, parts, apply, operator: operatorOf(parts.versions.current) };
};
