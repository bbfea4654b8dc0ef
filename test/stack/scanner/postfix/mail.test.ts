import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { until } from '../../../helpers/until.ts';
import {
  answeringGuard,
  daemonsBelow,
  lacking,
  masterIn,
  openFolder,
  put,
  sinkIn,
  smtpTo,
  telling,
  toldAt,
  withinAMinute,
} from './world.ts';

/** A server that mail is delivered to; subjects as they come. */
const startDestination = async () => {
  const subjects: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onData(stream, _, done) {
      let text = '';
      stream.on('data', (piece: Buffer) => {
        text += piece.toString('latin1');
      });
      stream.on('end', () => {
        subjects.push(/^Subject: (.*)\r$/m.exec(text)?.[1] ?? '');
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { subjects, port: (server.server.address() as { port: number }).port };
};

const message = (subject: string): string =>
  `From: <a@there.example>\r\nSubject: ${subject}\r\n\r\nHello.\r\n.`;

/** Sends a message; true when it was taken. What is refused for now, or broken off, was not. */
const send = async (port: number, subject: string): Promise<boolean> => {
  try {
    const session = await smtpTo(port);
    for (const [command, code] of [
      ['EHLO there.example', 250],
      ['MAIL FROM:<a@there.example>', 250],
      ['RCPT TO:<b@here.example>', 250],
      ['DATA', 354],
      [message(subject), 250],
    ] as const)
      if ((await session.say(command)).code !== code) return false;
    session.close();
    return true;
  } catch {
    return false;
  }
};

/** Sends one message after another until it is stopped. */
const sending = (port: number) => {
  const taken: string[] = [];
  let going = true;
  const done = (async () => {
    for (let count = 0; going; count++) if (await send(port, `m${count}`)) taken.push(`m${count}`);
  })();
  return {
    taken,
    stop: async () => {
      going = false;
      await done;
    },
  };
};

const world = async () => {
  const dir = openFolder();
  const port = await freePort();
  const destination = await startDestination();
  const hosts = [{ host: '127.0.0.1', port: destination.port, mxLookup: false, preference: 10 }];
  const configuration = (revision: number) => ({ ...telling(port, revision), hosts });
  const { sink, parts, lines } = await sinkIn(dir);
  await sink.held();
  await put(sink, configuration(1));
  return { dir, port, destination, configuration, sink, parts, lines };
};

const delivered = (isThere: () => boolean) => until('it is delivered', isThere, withinAMinute);

const all = (subjects: readonly string[]): string[] => [...subjects].sort();

describe.skipIf(lacking !== '')(`mail${lacking && ` (${lacking})`}`, () => {
  it('that is taken while configurations change arrives once, and no other does', async () => {
    const { port, destination, configuration, sink } = await world();
    const mail = sending(port);
    for (const revision of [2, 3, 4]) {
      const before = mail.taken.length;
      await put(sink, configuration(revision));
      expect(await toldAt(port)).toBe(revision);
      await until('mail goes on', () => mail.taken.length > before + 1);
    }
    await mail.stop();

    await delivered(() => destination.subjects.length >= mail.taken.length);
    expect(all(destination.subjects)).toEqual(all(mail.taken));
  });

  it('goes on when the guard is killed', async () => {
    const { port, destination, parts, lines } = await world();
    const pid = await answeringGuard(parts);

    process.kill(pid, 'SIGKILL');

    await until('a message is taken', () => send(port, 'after'));
    await delivered(() => destination.subjects.includes('after'));
    expect(await answeringGuard(parts)).not.toBe(pid);
    expect(lines).toContain('the guard is put right: it does not answer');
  });

  it('goes on when the master daemon is killed while a session is open', async () => {
    const { dir, port, destination, parts, lines } = await world();
    const open = await smtpTo(port);
    await open.say('EHLO there.example');
    const master = await masterIn(parts);

    process.kill(master, 'SIGKILL');

    await until('it is gone', () => daemonsBelow(dir).every(({ pid }) => pid !== master));
    await until('a message is taken', () => send(port, 'after'));
    await delivered(() => destination.subjects.includes('after'));
    // Whoever started it waits for it as a process of that name.
    await until('there is one', () => daemonsBelow(dir).filter(({ name }) => name === 'master').length === 1);
    expect(lines).toContain('Postfix does not run, and is started');
  });

  it('goes on after agent and Postfix were stopped, by the next agent', async () => {
    const { dir, port, destination, sink, configuration } = await world();
    await sink.stop();
    const again = await sinkIn(dir);
    expect((await again.sink.held()).current?.smtp.revision).toBe(1);
    expect(await send(port, 'later')).toBe(true);
    await put(again.sink, configuration(2));
    await delivered(() => destination.subjects.includes('later'));
    expect(destination.subjects).toEqual(['later']);
  });
});
