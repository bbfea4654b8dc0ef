import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hostFormat } from '../../../../shared/domain/hosts.ts';
import { makeChain } from '../../../helpers/certificates.ts';
import { until } from '../../../helpers/until.ts';
import { type Configured, freePort, inboundAt, lacking, openFolder, put, sinkIn, smtpTo } from './world.ts';

interface Mail {
  from: string;
  to: string[];
  text: string;
}

/** A server that mail is delivered to, which may refuse every recipient. */
const startServer = async ({ port = 0, refuses = false } = {}) => {
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
const send = async (port: number, subject: string, to = 'b@foreign.example') => {
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
    execFileSync(command, ['-c', current, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const queued = (): Queued[] =>
    run('postqueue', '-j')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Queued);
  return {
    run,
    queued,
    flush: () => run('postqueue', '-f'),
    /** What is requeued is looked for once a minute, and when Postfix is reloaded. */
    requeue: (id: string) => {
      run('postsuper', '-r', id);
      run('postfix', 'reload');
    },
    /** Waits until the only message waits for another attempt, and says why it does. */
    reason: () =>
      until('it waits', () => {
        const [one, another] = queued();
        return !another && one?.queue_name === 'deferred' && one.recipients[0]?.delay_reason;
      }),
  };
};

/** A Scanner of both ways: strangers come in, and mail goes out to a relay host, so that whatever leaves is seen. */
const world = async (more: Partial<Configured> = {}) => {
  const { sink, parts } = await sinkIn(openFolder());
  await sink.held();
  const [port, outbound, relay] = [await freePort(), await freePort(), await startServer()];
  const configuration = (revision: number, hosts: readonly number[]): Configured => ({
    revision,
    smtp: {
      mailFiltering: 'inbound-and-outbound',
      inbound: inboundAt(port).inbound,
      outbound: { ipv4: { address: '127.0.0.1', port: outbound }, nonLocalDelivery: 'relay' },
    },
    hosts: hosts.map(hostAt),
    ...more,
    lists: { outbound: '', relay: relayList(relay.port) },
  });
  const apply = (revision: number, ...hosts: number[]) => put(sink, configuration(revision, hosts));
  return { port, relay, parts, apply, operator: operatorOf(parts.versions.current) };
};

describe.skipIf(lacking !== '')(`mail that waits${lacking && ` (${lacking})`}`, () => {
  it('goes to the host of today when the list has changed', async () => {
    const { port, apply, operator, relay } = await world();
    await apply(1, await freePort());
    await send(port, 'waits');
    expect(await operator.reason()).toContain('Connection refused');

    const today = await startServer();
    await apply(2, today.port);
    operator.flush();

    await until('it is delivered', () => today.mails.length > 0);
    expect(today.mails[0]).toMatchObject({ from: 'a@there.example', to: ['b@foreign.example'] });
    expect(relay.mails).toEqual([]);
  });

  it('goes nowhere else while there is no host, and to the next one that there is', async () => {
    const { port, apply, operator, relay } = await world();
    await apply(1, await freePort());
    await send(port, 'waits');
    await operator.reason();

    await apply(2);
    operator.flush();
    await until('it is tried', async () => (await operator.reason()).includes('transport unavailable'));

    const today = await startServer();
    await apply(3, today.port);
    operator.flush();
    await until('it is delivered', () => today.mails.length > 0);
    expect(relay.mails).toEqual([]);
  });

  it('and is requeued is not relayed; an operator says where it goes', async () => {
    const { port, apply, operator, relay, parts } = await world();
    await apply(1, await freePort(), await freePort());
    await send(port, 'requeued');
    await operator.reason();
    const today = await startServer();
    await apply(2, today.port);

    operator.requeue('ALL');
    await until('it waits anew', async () => (await operator.reason()).includes('Requeued'));
    expect([...relay.mails, ...today.mails]).toEqual([]);

    const version = realpathSync(parts.versions.current);
    const kept = join(openFolder(), 'master.cf');
    copyFileSync(join(version, 'master.cf'), kept);
    const [{ queue_id: id } = { queue_id: '' }] = operator.queued();
    operator.run('postconf', '-P', 'pickup/unix/content_filter=internal:');
    operator.run('postfix', 'reload');
    operator.requeue(id);
    await until('it is delivered', () => today.mails.length > 0);
    copyFileSync(kept, join(version, 'master.cf'));
    operator.run('postfix', 'reload');
    expect(readdirSync(join(parts.home.queueDirectory, 'maildrop'))).toEqual([]);
    expect(relay.mails).toEqual([]);
    rmSync(kept);
  });
});

describe.skipIf(lacking !== '')(`a notice of what cannot be delivered${lacking && ` (${lacking})`}`, () => {
  it('has the headers of the message, and nothing of its body', async () => {
    const { port, apply, relay } = await world();
    await apply(1, (await startServer({ refuses: true })).port);
    await send(port, 'unwanted');

    await until('the notice is sent', () => relay.mails.length > 0);
    expect(relay.mails[0]).toMatchObject({ from: '', to: ['a@there.example'] });
    expect(relay.mails[0]?.text).toContain('Subject: unwanted');
    expect(relay.mails[0]?.text).not.toContain('The body of unwanted');
  });

  it('is not to be had for the asking by strangers', async () => {
    const { port, apply } = await world();
    await apply(1, (await startServer()).port);
    const session = await smtpTo(port);
    expect((await session.say('EHLO there.example')).lines).not.toContain('DSN');
    await session.say('MAIL FROM:<a@there.example>');
    expect(await session.say('RCPT TO:<b@here.example> NOTIFY=SUCCESS')).toMatchObject({ code: 501 });
  });
});

describe.skipIf(lacking !== '')(`one message${lacking && ` (${lacking})`}`, () => {
  it.each(['\n.\r\n', '\n.\n', '\r\n.\n'])('smuggles in no other: %j', async (end) => {
    const { port, apply } = await world();
    const local = await startServer();
    await apply(1, local.port);
    const session = await smtpTo(port);
    await session.say('EHLO there.example');
    await session.say('MAIL FROM:<a@there.example>');
    await session.say('RCPT TO:<b@here.example>');
    await session.say('DATA');
    const inner = `MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<b@here.example>\r\nDATA\r\nSubject: inner`;
    await session.say(`Subject: outer\r\n\r\nHello.${end}${inner}\r\n\r\nHello.\r\n.`);
    session.close();

    await send(port, 'last');
    await until('the last is there', () => local.mails.some(({ text }) => text.includes('The body of last')));
    expect(local.mails.filter(({ from }) => from !== 'a@there.example')).toEqual([]);
  });
});

const nextReply = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    let text = '';
    const read = (piece: Buffer): void => {
      text += piece.toString('latin1');
      if (!/^\d{3} [^\n]*\n$/m.test(text)) return;
      stream.off('data', read);
      resolve();
    };
    stream.on('data', read);
  });

/** A session with TLS, for which one that was before may be resumed. Answers whether it was, and what a later one can resume. */
const secured = async (port: number, options: ConnectionOptions) => {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => {
    socket.destroy();
  });
  await nextReply(socket);
  for (const command of ['EHLO there.example', 'STARTTLS']) {
    socket.write(`${command}\r\n`);
    await nextReply(socket);
  }
  const tls = connectTls({ socket, rejectUnauthorized: false, ...options });
  let ticket: Buffer | undefined;
  tls.on('session', (one) => {
    ticket = one;
  });
  await once(tls, 'secureConnect');
  const isReused = tls.isSessionReused();
  tls.write('EHLO there.example\r\n');
  await nextReply(tls);
  const session = ticket ?? tls.getSession();
  tls.destroy();
  return { isReused, session };
};

describe.skipIf(lacking !== '')(`a TLS session${lacking && ` (${lacking})`}`, () => {
  it.each([
    ['none', true],
    ['request', false],
    ['require', false],
  ] as const)('is resumed only where no client is verified: %s, %s', async (clientCertificate, isResumed) => {
    const [server, client] = [await makeChain(), await makeChain({ usages: ['1.3.6.1.5.5.7.3.2'] })];
    const certificateId = 'cert-00000000000000a1';
    const authorities = { certificatePem: client.root.pem + client.intermediate.pem };
    const { sink } = await sinkIn(openFolder());
    await sink.held();
    const port = await freePort();
    await put(sink, {
      smtp: inboundAt(port, { tls: { accept: true, certificateId, require: true, clientCertificate } }),
      artifacts: {
        [certificateId]: JSON.stringify({ certificateId, ...server.upload }),
        ...(clientCertificate === 'none' ? {} : { 'client-authorities': JSON.stringify(authorities) }),
      },
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { maxVersion, cert: client.upload.certificatePem, key: client.upload.privateKeyPem };
      const first = await secured(port, options);
      expect(first.isReused).toBe(false);
      const again = await secured(port, { ...options, session: first.session });
      expect([maxVersion, again.isReused]).toEqual([maxVersion, isResumed]);
    }
  });
});
