import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionsIn } from './guard/connections.ts';
import type { Endpoint } from './guard/policy-request.ts';
import { readContext } from './guard-configuration.ts';

/** A process may end while it is looked at. */
const orNull = <T>(looking: Promise<T>): Promise<T | null> => looking.catch(() => null);

const pids = async (): Promise<number[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);

const matching = async (among: readonly number[], matches: (pid: number) => Promise<boolean>) => {
  const found = await Promise.all(among.map(matches));
  return among.filter((_, index) => found[index]);
};

/** Which daemons are those of one instance: they work in its queue folder, and are programs of Postfix's own folder. */
export interface Instance {
  queueDirectory: string;
  daemonDirectory: string;
}

const isOf = async (pid: number, { queueDirectory, daemonDirectory }: Instance): Promise<boolean> => {
  const [cwd, program] = await Promise.all([
    orNull(readlink(`/proc/${pid}/cwd`)),
    orNull(readlink(`/proc/${pid}/exe`)),
  ]);
  return cwd === queueDirectory && program?.startsWith(`${daemonDirectory}/`) === true;
};

/** The master daemon of an instance; null when it does not run. A number that is left in its file proves nothing. */
export const masterOf = async (instance: Instance): Promise<number | null> => {
  const text = await orNull(readFile(join(instance.queueDirectory, 'pid', 'master.pid'), 'utf8'));
  const pid = Number(text?.trim());
  return pid > 0 && (await isOf(pid, instance)) ? pid : null;
};

/** Milliseconds that daemons have to end when they are told to. */
const graceMs = 5000;

/** Sends a signal to a process that may have ended. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/**
 * Ends what a master daemon that was killed has left behind: a delivery that is under way is made again, a session that is open is broken off, and its
 * client comes again. Otherwise an open session would keep its port from the next master daemon.
 */
export const endOrphans = async (instance: Instance): Promise<void> => {
  const deadline = Date.now() + graceMs;
  // Once is not enough: a master daemon that ends while it is looked at may have started one after the numbers were read.
  for (let none = 0; none < 2; ) {
    const left = await matching(await pids(), (pid) => isOf(pid, instance));
    none = left.length === 0 ? none + 1 : 0;
    for (const pid of left) signal(pid, Date.now() < deadline ? 'SIGTERM' : 'SIGKILL');
    if (left.length > 0) await sleep(20);
  }
};

/** Ends the master daemon, and with it all of its daemons, as `postfix stop` does; it needs no configuration for that. */
export const endMaster = async (instance: Instance): Promise<void> => {
  const pid = await masterOf(instance);
  if (pid !== null) signal(pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline && (await masterOf(instance)) !== null) await sleep(20);
  await endOrphans(instance);
};

const wordsOf = async (pid: number): Promise<string[]> =>
  (await orNull(readFile(`/proc/${pid}/cmdline`, 'utf8')))?.split('\0') ?? [];

/** Of whatever release, which is in another folder; the path is relative where systemd starts it. */
const guardProgram = 'scanner/postfix/guard/main.ts';

const isGuardOf = async (pid: number, socketFolder: string): Promise<boolean> => {
  const words = await wordsOf(pid);
  const folder = words[words.indexOf('--sockets') + 1];
  if (folder === undefined || !words.some((word) => word.endsWith(guardProgram))) return false;
  const owner = await orNull(stat(`/proc/${pid}`));
  return owner?.uid === process.getuid?.() && (await orNull(realpath(folder))) === socketFolder;
};

/** Guards of a folder of sockets, whether they answer or not: programs of this user that were started as such for it. */
export const guardsOf = async (socketFolder: string): Promise<number[]> =>
  matching(await pids(), (pid) => isGuardOf(pid, socketFolder));

/** Milliseconds that a process has to be gone once it is killed. */
const goneMs = 5000;

/**
 * Waits until guards have ended, and kills those that have not after some milliseconds.
 * @throws Error where one is not gone even then.
 */
export const awaitEnd = async (
  socketFolder: string,
  among: readonly number[],
  withinMs = graceMs,
): Promise<void> => {
  const left = async () => (await guardsOf(socketFolder)).filter((pid) => among.includes(pid));
  const deadline = performance.now() + withinMs;
  for (let pids = await left(); pids.length > 0; pids = await left()) {
    const lateMs = performance.now() - deadline;
    if (lateMs > goneMs) throw new Error(`The guard (${pids.join(', ')}) does not end when it is killed.`);
    if (lateMs >= 0) for (const pid of pids) signal(pid, 'SIGKILL');
    await sleep(20);
  }
};

const isConnection = (line: string, server: Endpoint, client: Endpoint): boolean =>
  connectionsIn(line, endianness()).some(
    (one) =>
      one.server.address === server.address &&
      one.server.port === server.port &&
      one.client.address === client.address &&
      one.client.port === client.port,
  );

const socketLines = async (): Promise<string[]> => {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => orNull(readFile(path, 'latin1')));
  return (await Promise.all(tables)).flatMap((text) => text?.split('\n') ?? []);
};

/** As links of open files name it. proc(5): the inode is the tenth word. */
const socketIn = (line: string): string => `socket:[${line.trim().split(/\s+/)[9]}]`;

/** The server's end of a connection of this host. */
const socketOf = async (server: Endpoint, client: Endpoint): Promise<string | null> => {
  const line = (await socketLines()).find((one) => isConnection(one, server, client));
  return line ? socketIn(line) : null;
};

const holds = async (pid: number, socket: string): Promise<boolean> => {
  const open = (await orNull(readdir(`/proc/${pid}/fd`))) ?? [];
  const targets = await Promise.all(open.map((fd) => orNull(readlink(`/proc/${pid}/fd/${fd}`))));
  return targets.includes(socket);
};

/** A socket that listens (state 0A), told like one that is connected to nobody. */
const asConnection = (line: string): string => line.replace(' 0A ', ' 01 ');

/** True where the master daemon of an instance listens. */
export const listensAt = async (instance: Instance, { address, port }: Endpoint): Promise<boolean> => {
  const master = await masterOf(instance);
  const line = (await socketLines()).find((one) =>
    connectionsIn(asConnection(one), endianness()).some(
      ({ server }) => one.includes(' 0A ') && server.address === address && server.port === port,
    ),
  );
  return master !== null && line !== undefined && holds(master, socketIn(line));
};

/** Arguments of an smtpd, which are those of its service in master.cf; null for another program. */
const smtpdArguments = async (pid: number): Promise<string[] | null> => {
  const words = await wordsOf(pid);
  return words[0] === 'smtpd' ? words : null;
};

const contextParameter = 'smtpd_policy_service_policy_context=';

/** The listener and the version that an smtpd belongs to. */
const contextIn = (words: readonly string[]) =>
  readContext(words.find((word) => word.startsWith(contextParameter))?.slice(contextParameter.length) ?? '');

export interface Smtpd {
  pid: number;
  listener: string;
  version: string;
}

/** The SMTP servers of an instance, each with the listener and the version of its configuration. */
export const smtpdsOf = async (instance: Instance): Promise<Smtpd[]> => {
  const servers = await Promise.all(
    (await pids()).map(async (pid) => {
      const context = contextIn((await smtpdArguments(pid)) ?? []);
      return context && (await isOf(pid, instance)) ? [{ pid, ...context }] : [];
    }),
  );
  return servers.flat();
};

/** The SMTP server that has the other end of a connection; null when none has. */
export const smtpdBehind = async (
  instance: Instance,
  { server, client }: { server: Endpoint; client: Endpoint },
): Promise<Smtpd | null> => {
  const socket = await socketOf(server, client);
  if (socket === null) return null;
  for (const one of await smtpdsOf(instance)) if (await holds(one.pid, socket)) return one;
  return null;
};
