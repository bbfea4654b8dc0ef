import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { makeChain } from '../../../helpers/certificates.ts';
import { until } from '../../../helpers/until.ts';
import { bothWays, send, startServer } from './both-ways.ts';
import { inboundAt, lacking, openFolder, put, sinkIn, smtpTo, withinAMinute } from './world.ts';

describe.skipIf(lacking !== '')(`one message${lacking && ` (${lacking})`}`, () => {
  it.each(['\n.\r\n', '\n.\n', '\r\n.\n'])('smuggles in no other: %j', async (end) => {
    const { port, apply } = await bothWays(await startServer());
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
    const isThere = () => local.mails.some(({ text }) => text.includes('The body of last'));
    await until('the last is there', isThere, withinAMinute);
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
