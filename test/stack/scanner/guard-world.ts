import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { askGuard } from '../../../scanner/postfix/guard/control-client.ts';
import { socketsIn, startGuard } from '../../../scanner/postfix/guard/guard.ts';
import type {
  Direction,
  GuardConfiguration,
  GuardListener,
  GuardRules,
} from '../../../scanner/postfix/guard-configuration.ts';
import { rulesOf } from '../../unit/scanner/postfix-guard/rules.ts';

/** A folder that goes with the test; its path is short enough for that of a socket. */
export const emptyFolder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'guard-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

export interface VersionContent {
  listeners?: Record<string, Partial<GuardListener>>;
  rules?: Partial<Record<Direction, Partial<GuardRules>>>;
  lists?: Partial<Record<Direction, readonly string[]>>;
  source?: GuardConfiguration['source'];
  directories?: readonly object[];
  queueDirectory?: string;
  askedAs?: string;
}

const listenerOf = (more: Partial<GuardListener>): GuardListener => ({
  address: '127.0.0.1',
  port: 25,
  directions: ['inbound'],
  tlsRequired: false,
  clientCertificate: 'none',
  ...more,
});

const mapped = <T, U>(of: Record<string, T>, to: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, to(value)]));

/** Writes a version folder as the sink does, as far as the guard reads it. Answers its path. */
export const writeVersion = (dir: string, name: string, content: VersionContent): string => {
  const folder = join(dir, name);
  mkdirSync(join(folder, 'lists'), { recursive: true });
  mkdirSync(join(folder, 'artifacts'));
  const configuration: GuardConfiguration = {
    format: 1,
    revision: Number.parseInt(name, 10),
    ...(content.askedAs === undefined ? {} : { askedAs: content.askedAs }),
    queueDirectory: content.queueDirectory ?? join(dir, 'queue'),
    listeners: mapped(content.listeners ?? { inbound: {} }, listenerOf),
    rules: mapped(content.rules ?? { inbound: {} }, rulesOf),
    source: content.source ?? null,
  };
  writeFileSync(join(folder, 'guard.json'), JSON.stringify(configuration));
  for (const [list, values] of Object.entries(content.lists ?? {}))
    writeFileSync(join(folder, 'lists', `${list}.txt`), values.map((value) => `${value}\n`).join(''));
  if (content.directories)
    writeFileSync(
      join(folder, 'artifacts', 'directory-sources.json'),
      JSON.stringify({ format: 1, salt: '00', sources: content.directories }),
    );
  return folder;
};

export interface RunningGuard {
  sockets: ReturnType<typeof socketsIn>;
  /** What it has logged. */
  output: () => string;
  load: (folder: string) => ReturnType<typeof askGuard>;
}

/** A guard in this process, on its own sockets, with these versions. */
export const guardIn = async (
  dir: string,
  folders: readonly string[] = [],
  trust: ConnectionOptions = {},
): Promise<RunningGuard> => {
  const sockets = socketsIn(dir);
  const lines: string[] = [];
  const guard = await startGuard({
    sockets,
    group: null,
    trust,
    hostName: 'mx.example.org',
    log: (line) => lines.push(line),
  });
  onTestFinished(guard.close);
  for (const folder of folders) await guard.load(folder);
  return {
    sockets,
    output: () => lines.join('\n'),
    load: (folder) => askGuard(sockets.control, { command: 'load', folder }),
  };
};

/** A guard in a process of its own, as the agent starts it. It does not outlive the test. */
export const spawnGuard = (args: readonly string[]) => {
  const child = spawn(process.execPath, ['scanner/postfix/guard/main.ts', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece) => {
      output += piece;
    });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { child, output: () => output };
};

/** A connection whose answers are read one after another, as they are cut by `separator`. */
export const conversation = (path: string, separator: string) => {
  const socket: Socket = connect(path);
  let text = '';
  let ended = false;
  let wake = () => {};
  socket.on('data', (piece) => {
    text += piece;
    wake();
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    ended = true;
    wake();
  });
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    socket,
    send: (bytes: string | Uint8Array) => socket.write(bytes),
    /** The next answer; null when the other side has ended the connection instead. */
    async next(): Promise<string | null> {
      while (!text.includes(separator) && !ended)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const end = text.indexOf(separator);
      if (end < 0) return null;
      const answer = text.slice(0, end);
      text = text.slice(end + separator.length);
      return answer;
    },
  };
};

const attributes = {
  request: 'smtpd_access_policy',
  protocol_state: 'CONNECT',
  policy_context: 'inbound@1-a',
  client_address: '192.0.2.7',
  client_name: 'unknown',
  client_port: '54321',
  server_address: '127.0.0.1',
  server_port: '25',
};

/** A request as Postfix sends it. */
export const requestOf = (more: Record<string, string> = {}): string =>
  `${Object.entries({ ...attributes, ...more })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}\n`;

/** A connection of an smtpd to the policy service. */
export const smtpd = (guard: Pick<RunningGuard, 'sockets'>) => {
  const { send, next } = conversation(guard.sockets.policy, '\n\n');
  const answer = async () => (await next())?.replace(/^action=/, '') ?? null;
  return {
    send,
    answer,
    ask: (more: Record<string, string> = {}) => {
      send(requestOf(more));
      return answer();
    },
  };
};

/** A connection of an smtpd to the authentication service, after the greeting. */
export const authenticating = async (guard: Pick<RunningGuard, 'sockets'>) => {
  const { send, next, socket } = conversation(guard.sockets.authentication, '\n');
  const greeting: string[] = [];
  for (let line = await next(); line !== null; line = await next()) {
    greeting.push(line);
    if (line === 'DONE') break;
  }
  send('VERSION\t1\t0\nCPID\t4711\n');
  return { send, next, greeting, socket };
};

export const plain = (name: string, password: string): string =>
  Buffer.from(`\0${name}\0${password}`).toString('base64');

/** What one smtpd is told of a name and a password; null: it is disconnected, which it takes for a failure that passes. */
export const tryPassword = async (
  guard: Pick<RunningGuard, 'sockets'>,
  name: string,
  password: string,
  version = '1-a',
): Promise<string | null> => {
  const { send, next, socket } = await authenticating(guard);
  send(
    `AUTH\t1\tPLAIN\tservice=authentication@${version}\tnologin\tlip=127.0.0.1\trip=192.0.2.7\tsecured\tresp=${plain(name, password)}\n`,
  );
  const told = await next();
  socket.destroy();
  return told;
};
