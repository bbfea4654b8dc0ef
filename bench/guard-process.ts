import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { askGuard } from '../scanner/postfix/guard/control-client.ts';
import type { socketsIn } from '../scanner/postfix/guard/guard.ts';
import { contextOf, type GuardConfiguration } from '../scanner/postfix/guard-configuration.ts';
import { writeAll } from './networks.ts';
import { groupOfPostfix } from './private-postfix.ts';

/** What an act answers, and how many milliseconds it took. */
export const timed = async <T>(act: () => T | Promise<T>): Promise<{ result: T; took: number }> => {
  const begun = performance.now();
  const result = await act();
  return { result, took: performance.now() - begun };
};

/** Strangers at loopback, each another: a table is asked for all that could mean them. */
export const stranger = (index: number): string =>
  `127.${(index % 50) + 1}.${index % 251}.${(index % 253) + 1}`;
const configuration: GuardConfiguration = {
  format: 1,
  revision: 1,
  queueDirectory: '/nowhere',
  listeners: {
    inbound: {
      address: '127.0.0.1',
      port: 25,
      directions: ['inbound'],
      tlsRequired: false,
      clientCertificate: 'none',
    },
  },
  rules: {
    inbound: {
      accept: 'listed',
      maxConnections: 2000,
      maxConnectionsPerRange: 2000,
      ipv6Prefix: 64,
      maxConnectionsPerAddress: 2000,
      maxMessagesPerSession: 100,
      queueLimits: [],
      bareSender: 'complete',
      senderRecipientQuota: null,
    },
  },
  source: null,
};

/** Writes a version folder whose inbound list these are. Answers its path. */
export const writeVersion = async (dir: string, values: readonly string[]): Promise<string> => {
  const folder = join(dir, '1-a');
  mkdirSync(join(folder, 'lists'), { recursive: true });
  writeFileSync(join(folder, 'guard.json'), JSON.stringify(configuration));
  await writeAll(
    join(folder, 'lists', 'inbound.txt'),
    values.map((value) => `${value}\n`),
  );
  return folder;
};

const request = (index: number, context: string): string =>
  `request=smtpd_access_policy\nprotocol_state=RCPT\npolicy_context=${context}\nclient_address=${stranger(index)}\nclient_name=unknown\nserver_address=127.0.0.1\nserver_port=25\n\n`;

/** Asks over one connection, one request after another, as an smtpd does, until `isOver`; answers the milliseconds of each. */
export const policyTimes = async (
  path: string,
  context: string,
  isOver: (count: number) => boolean,
): Promise<number[]> => {
  const socket = connect(path);
  const times: number[] = [];
  while (!isOver(times.length)) {
    const { took } = await timed(async () => {
      socket.write(request(times.length, context));
      await once(socket, 'data');
    });
    times.push(took);
  }
  socket.destroy();
  return times;
};

/** How long others wait while the list is loaded: they ask for a version that is not there, which costs the least. */
export const loadWhileAsked = async (sockets: ReturnType<typeof socketsIn>, folder: string) => {
  let isLoaded = false;
  const waits = policyTimes(sockets.policy, contextOf('inbound', 'none'), () => isLoaded);
  const { took } = await timed(() => askGuard(sockets.control, { command: 'load', folder }));
  isLoaded = true;
  return { took, waits: await waits };
};

export const startGuard = async (folder: string) => {
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const script = join(import.meta.dirname, '..', 'scanner', 'postfix', 'guard', 'main.ts');
  const child = spawn(process.execPath, [script, '--sockets', folder, '--group', String(groupOfPostfix())]);
  await once(child.stdout, 'data');
  return child;
};
