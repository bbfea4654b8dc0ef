import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, realpathSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import { writeWhole } from '../write-whole.ts';
import { socketsIn } from './guard/guard.ts';
import type { Instance } from './processes.ts';
import { runProgram } from './program.ts';
import { isHostName, isMarker, isPlacePath, type Place } from './render/place.ts';

/** There is no Postfix that this process can run; the message says what to do. */
export class PostfixUnusable extends Error {
  override readonly name = 'PostfixUnusable';
}

/** Where an instance of Postfix and its guard live on this host. */
export interface Home extends Instance {
  /** The Scanner's folder, in its one form. */
  dir: string;
  sockets: ReturnType<typeof socketsIn>;
  socketFolder: string;
  /** Postfix's group, whose members may ask the guard. */
  group: number;
  hostName: string;
  /** Of this host's Postfix (`mail_version`). */
  mailVersion: string;
  /** Null: Postfix and the guard write to the journal. */
  logFolder: string | null;
  placeOf(version: { name: string; path: string }): Place;
}

export interface HomeOptions {
  dir: string;
  hostName?: string | undefined;
  /** Postfix and the guard are services of the system, which write to its journal. */
  installed: boolean;
}

const install = 'apt-get install postfix, or as your system has it';

/** Lines of postconf(1), `name = value`; of a name that it does not know it only warns, between them. */
const valuesIn = (output: string): Map<string, string> =>
  new Map([...output.matchAll(/^(\w+) = (.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

/** What this Postfix was built with. One that takes messages that are smuggled in others is refused, as `install.sh` does. */
const buildSettings = async () => {
  const asked = ['mail_owner', 'daemon_directory', 'mail_version', 'smtpd_forbid_bare_newline'];
  const { code, output } = await runProgram('postconf', ['-d', ...asked]).catch(() => {
    throw new PostfixUnusable(`There is no Postfix on this host: ${install}.`);
  });
  const values = valuesIn(output);
  const [owner, daemonDirectory, version] = asked.map((name) => values.get(name));
  if (code !== 0 || owner === undefined || daemonDirectory === undefined)
    throw new PostfixUnusable(`postconf does not answer: ${output}`);
  if (!values.has('smtpd_forbid_bare_newline'))
    throw new PostfixUnusable(
      `This Postfix (${version}) takes messages that are smuggled in others. Update it to 3.7.9 or later, or to what your system has mended: ${install}.`,
    );
  return { owner, daemonDirectory, mailVersion: version ?? 'unknown' };
};

const numberOf = async (option: '-u' | '-g', user: string): Promise<number> => {
  const { code, output } = await runProgram('id', [option, user]);
  if (code !== 0) throw new PostfixUnusable(`There is no user "${user}", as whom Postfix runs.`);
  return Number(output);
};

/** Postfix opens some files after it has become its own user, so that no folder above may be closed to it. */
const assertReachable = async (dir: string, owner: string): Promise<void> => {
  const { code } = await runProgram('setpriv', [
    `--reuid=${owner}`,
    `--regid=${owner}`,
    '--clear-groups',
    'sh',
    '-c',
    'cd "$0"',
    dir,
  ]);
  if (code !== 0)
    throw new PostfixUnusable(
      `The user "${owner}", as whom Postfix runs, cannot get into ${dir}: a folder above is closed to others. Open it (chmod o+x), or give another: --data DIR.`,
    );
};

/** unix(7): a path of a socket has at most 107 bytes. */
const longestSocket = 107;

const assertShort = (path: string): void => {
  if (Buffer.byteLength(path) > longestSocket)
    throw new PostfixUnusable(
      `${path} is too long for a socket (${longestSocket} bytes): give a shorter --data DIR.`,
    );
};

/** Made once; what is no marker, as a full disk may leave it, is made anew. */
const markerIn = async (folder: string): Promise<string> => {
  const file = join(folder, 'marker');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (isMarker(known)) return known;
  const made = randomBytes(16).toString('hex');
  await writeWhole(file, made, 0o600);
  return made;
};

interface Owner {
  uid: number;
  gid: number;
}

const ownFolder = async (path: string, mode: number, { uid, gid }: Owner): Promise<void> => {
  await makeFolder({ mkdir }, path);
  chmodSync(path, mode);
  chownSync(path, uid, gid);
};

const makeFolders = async (home: string, { uid, gid }: Owner): Promise<void> => {
  const root = { uid: 0, gid: 0 };
  await ownFolder(home, 0o711, root);
  await ownFolder(join(home, 'queue'), 0o755, root);
  await ownFolder(join(home, 'data'), 0o700, { uid, gid });
  await ownFolder(join(home, 'guard'), 0o710, { uid: 0, gid });
  await ownFolder(join(home, 'log'), 0o700, root);
};

/** Names that nothing else checks before the first configuration comes. @throws PostfixUnusable */
const assertUsable = ({ dir, hostName, sockets }: Pick<Home, 'dir' | 'hostName' | 'sockets'>): void => {
  if (!isPlacePath(dir))
    throw new PostfixUnusable(
      `${dir} cannot be the folder of a Postfix: it may have no spaces, commas or the like. Give another: --data DIR.`,
    );
  if (!isHostName(hostName))
    throw new PostfixUnusable(
      `This host is called "${hostName}", and Postfix cannot be: give a name with --host-name mx1.example.com.`,
    );
  assertShort(sockets.authentication);
  assertShort(sockets.control);
};

/**
 * Finds Postfix, and makes the folders of an instance below the Scanner's folder: `postfix/queue`, `data`, `guard` (sockets) and `log`.
 * @throws PostfixUnusable
 */
export const openHome = async ({
  dir: given,
  hostName = hostname(),
  installed,
}: HomeOptions): Promise<Home> => {
  const { owner, daemonDirectory, mailVersion } = await buildSettings();
  if (process.getuid?.() !== 0)
    throw new PostfixUnusable('Only root can run Postfix: start this as root (sudo).');
  const dir = realpathSync(given);
  const folder = join(dir, 'postfix');
  const ids = { uid: await numberOf('-u', owner), gid: await numberOf('-g', owner) };
  await assertReachable(dir, owner);
  await makeFolders(folder, ids);
  const marker = await markerIn(folder);
  const sockets = socketsIn(join(folder, 'guard'));
  const logFolder = installed ? null : join(folder, 'log');
  const home: Home = {
    dir,
    daemonDirectory,
    queueDirectory: join(folder, 'queue'),
    sockets,
    socketFolder: join(folder, 'guard'),
    group: ids.gid,
    hostName,
    mailVersion,
    logFolder,
    placeOf: ({ name, path }) => ({
      version: name,
      folder: path,
      queueDirectory: join(folder, 'queue'),
      dataDirectory: join(folder, 'data'),
      logFile: logFolder && join(logFolder, 'mail.log'),
      policySocket: sockets.policy,
      authSocket: sockets.authentication,
      hostName,
      marker,
    }),
  };
  assertUsable(home);
  return home;
};
