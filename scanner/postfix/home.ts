import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { socketsIn } from './guard/guard.ts';
import type { Instance } from './processes.ts';
import { runProgram } from './program.ts';
import { assertPlace, type Place } from './render/place.ts';

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

const buildSettings = async () => {
  const asked = ['mail_owner', 'daemon_directory'];
  const { code, output } = await runProgram('postconf', ['-dh', ...asked]).catch(() => {
    throw new PostfixUnusable(`There is no Postfix on this host: ${install}.`);
  });
  const [owner = '', daemonDirectory = ''] = output.split('\n');
  if (code !== 0 || daemonDirectory === '') throw new PostfixUnusable(`postconf does not answer: ${output}`);
  return { owner, daemonDirectory };
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

const markerIn = (folder: string): string => {
  const file = join(folder, 'marker');
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
};

const makeFolder = (path: string, mode: number, owner: { uid: number; gid: number }): void => {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  chownSync(path, owner.uid, owner.gid);
};

const makeFolders = (home: string, { uid, gid }: { uid: number; gid: number }): void => {
  const root = { uid: 0, gid: 0 };
  makeFolder(home, 0o711, root);
  makeFolder(join(home, 'queue'), 0o755, root);
  makeFolder(join(home, 'data'), 0o700, { uid, gid });
  makeFolder(join(home, 'guard'), 0o710, { uid: 0, gid });
  makeFolder(join(home, 'log'), 0o700, root);
};

/** Names that nothing else checks before the first configuration comes. @throws PostfixUnusable */
const assertUsable = (home: Home): void => {
  assertShort(home.sockets.authentication);
  assertShort(home.sockets.control);
  try {
    assertPlace(home.placeOf({ name: '1-0', path: join(home.dir, 'versions', '1-0') }));
  } catch (error) {
    throw new PostfixUnusable(`${(error as Error).message} It may have no spaces, commas or the like.`);
  }
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
  const { owner, daemonDirectory } = await buildSettings();
  if (process.getuid?.() !== 0)
    throw new PostfixUnusable('Only root can run Postfix: start this as root (sudo).');
  const dir = realpathSync(given);
  const folder = join(dir, 'postfix');
  const ids = { uid: await numberOf('-u', owner), gid: await numberOf('-g', owner) };
  await assertReachable(dir, owner);
  makeFolders(folder, ids);
  const marker = markerIn(folder);
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
