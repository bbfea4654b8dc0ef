import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../local/ports.ts';

/** Why no Postfix can be started here; null where one can. */
export const whyNoPostfix = (): string | null => {
  if (process.getuid?.() !== 0) return 'Postfix is started by root alone';
  return existsSync('/usr/sbin/postfix') ? null : 'Postfix is not installed (Debian package postfix)';
};

export const groupOfPostfix = (): number =>
  Number(execFileSync('id', ['-g', 'postfix'], { encoding: 'utf8' }));

const mainCf = (dir: string, parameters: Record<string, string>): string =>
  Object.entries({
    compatibility_level: '3.6',
    queue_directory: join(dir, 'queue'),
    data_directory: join(dir, 'data'),
    maillog_file: join(dir, 'log', 'mail.log'),
    maillog_file_prefixes: join(dir, 'log'),
    inet_protocols: 'ipv4',
    myhostname: 'bench.example',
    smtpd_delay_reject: 'no',
    smtpd_peername_lookup: 'no',
    smtpd_client_connection_count_limit: '0',
    local_recipient_maps: '',
    alias_maps: '',
    ...parameters,
  })
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');

/** One smtpd, so that what it holds and how fast it is can be told. */
const masterCf = (port: number): string =>
  [
    `127.0.0.1:${port} inet n - n - 1 smtpd`,
    'proxymap unix - - n - 1 proxymap',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n');

/** Processes of an instance by name: the children of its master. */
const processesOf = (master: number): { pid: number; name: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, name = '', parent] =
          /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
        return Number(parent) === master ? [{ pid: Number(pid), name }] : [];
      } catch {
        return [];
      }
    });

/** Memory of a process, of pages that several have its share alone, in MiB (proc(5), smaps_rollup). */
export const memoryOf = (pid: number): number =>
  Number(/^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]) / 1024;

export interface PrivatePostfix {
  port: number;
  /** MiB of the process with this name; 0 where there is none. */
  memory(name: string): number;
  stop(): void;
}

/** Starts an instance below a folder that has only a listener. */
export const startPostfix = async (
  dir: string,
  parameters: Record<string, string>,
): Promise<PrivatePostfix> => {
  const port = await freePort();
  for (const name of ['queue', 'data', 'log', 'etc']) mkdirSync(join(dir, name), { recursive: true });
  chmodSync(dir, 0o755);
  execFileSync('chown', ['postfix', join(dir, 'data')]);
  const etc = join(dir, 'etc');
  writeFileSync(join(etc, 'main.cf'), mainCf(dir, parameters));
  writeFileSync(join(etc, 'master.cf'), masterCf(port));
  const control = (command: string) => execFileSync('postfix', ['-c', etc, command], { stdio: 'pipe' });
  control('start');
  const master = Number(readFileSync(join(dir, 'queue', 'pid', 'master.pid'), 'latin1'));
  return {
    port,
    memory: (wanted) => {
      const found = processesOf(master).find(({ name }) => name === wanted);
      return found ? memoryOf(found.pid) : 0;
    },
    stop: () => {
      control('stop');
    },
  };
};

const closed = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await once(socket, 'close');
};

/** Postfix waits a minute before it starts again what has failed. */
const longestMs = 50_000;

/** What a client at a loopback address is told first, and after how many milliseconds. */
export const greetingOf = async (
  port: number,
  localAddress: string,
): Promise<{ ms: number; code: string }> => {
  const begun = performance.now();
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.setTimeout(longestMs, () => socket.destroy(new Error(`No greeting in ${longestMs} ms.`)));
  const [piece] = (await once(socket, 'data')) as [Buffer];
  const ms = performance.now() - begun;
  socket.end('QUIT\r\n');
  socket.resume();
  await closed(socket);
  return { ms, code: piece.toString('latin1', 0, 3) };
};
