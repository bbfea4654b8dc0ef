import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketsIn } from '../scanner/postfix/guard/guard.ts';
import { contextOf } from '../scanner/postfix/guard-configuration.ts';
import { type Bench, type Figure, median, quantile } from './bench.ts';
import { loadWhileAsked, policyTimes, startGuard, stranger, timed, writeVersion } from './guard-process.ts';
import { listedLoopback, makeNetworks, octetKeys, writeAll } from './networks.ts';
import { greetingOf, memoryOf, startPostfix, whyNoPostfix } from './private-postfix.ts';

const networks = 1_000_000;
/** An smtpd serves 100 sessions and makes way for another, which loads its tables anew (postconf, max_use). */
const sessions = 250;
const asked = 20_000;

type Figures = Record<string, Figure>;

const ms = (value: number): Figure => ({ value, unit: 'ms' });
const mib = (value: number): Figure => ({ value, unit: 'MiB' });

const listed = '127.77.3.9';

/** Connects again and again: the first time waits for the table. Says so when an answer is wrong, for then nothing is measured. */
const connectAll = async (port: number): Promise<Figures> => {
  const first = await greetingOf(port, listed);
  const others: number[] = [];
  for (let index = 0; index < sessions; index++) {
    const { ms: took, code } = await greetingOf(port, stranger(index));
    if (code !== '554') throw new Error(`A stranger was told ${code}.`);
    others.push(took);
  }
  if (first.code !== '220') throw new Error(`A client of ${listedLoopback} was told ${first.code}.`);
  const whole = others.reduce((sum, one) => sum + one, 0);
  return {
    'first connect': ms(first.ms),
    'connect, p50': ms(quantile(others, 0.5)),
    'connect, p99': ms(quantile(others, 0.99)),
    'connects a second, one after another': { value: (sessions * 1000) / whole, unit: '/s' },
  };
};

/** What one smtpd and what helps it hold and do, with these client restrictions. */
const throughSmtpd = async (
  dir: string,
  restrictions: string,
  more: Record<string, string> = {},
): Promise<Figures> => {
  const postfix = await startPostfix(dir, { smtpd_client_restrictions: restrictions, ...more });
  try {
    const figures = await connectAll(postfix.port);
    const proxymap = postfix.memory('proxymap');
    return {
      ...figures,
      'memory of each smtpd': mib(postfix.memory('smtpd')),
      ...(proxymap > 0 ? { 'memory of proxymap': mib(proxymap) } : {}),
    };
  } finally {
    postfix.stop();
  }
};

const postmap = (args: string[], input?: string): void => {
  execFileSync('postmap', args, {
    stdio: ['pipe', 'ignore', 'inherit'],
    ...(input === undefined ? {} : { input }),
  });
};

/** Asks a table that has all networks as they are by Postfix's own tool: for one key, which is the time to load it, then for many, less that time. */
const byPostmap = async (etc: string, table: string, keys: number): Promise<Figures> => {
  const ask = (count: number) =>
    timed(() => {
      const input = Array.from({ length: count }, (_, index) => `${stranger(index)}\n`).join('');
      try {
        postmap(['-c', etc, '-q', '-', table], input);
      } catch (error) {
        if ((error as { status?: number }).status !== 1) throw error;
      }
    });
  const loads: number[] = [];
  for (let run = 0; run < 3; run++) loads.push((await ask(1)).took);
  const load = median(loads);
  const { took } = await ask(keys);
  return {
    'open and ask once (postmap -q)': ms(load),
    'lookups a second (postmap -q)': { value: (keys * 1000) / Math.max(0.001, took - load), unit: '/s' },
  };
};

interface Room {
  dir: string;
  etc: string;
  values: readonly string[];
}

const cidrTable = async ({ dir, values }: Room): Promise<string> => {
  const path = join(dir, 'clients.cidr');
  await writeAll(path, [...values.map((value) => `${value} DUNNO\n`), '0.0.0.0/0 REJECT\n']);
  return path;
};

function* indexedLines(values: readonly string[], count: (keys: number) => void): Generator<string> {
  let keys = 0;
  for (const value of values)
    for (const key of octetKeys(value)) {
      keys += 1;
      yield `${key} OK\n`;
    }
  count(keys);
}

/** A table of octets: networks that do not end at a dot become many keys. */
const indexed = async (type: 'cdb' | 'lmdb', room: Room): Promise<Figures> => {
  const path = join(room.dir, `clients-${type}`);
  let keys = 0;
  await writeAll(
    path,
    indexedLines(room.values, (count) => (keys = count)),
  );
  const { took } = await timed(() => postmap(['-c', room.etc, '-w', `${type}:${path}`]));
  const table = `${type}:${path}`;
  return {
    'keys after expansion': { value: keys, unit: '' },
    'build (postmap)': ms(took),
    'size of the file': mib(statSync(`${path}.${type}`).size / 2 ** 20),
    ...(await throughSmtpd(join(room.dir, type), `check_client_access ${table}, reject`, {
      lmdb_map_size: String(4 * 2 ** 30),
    })),
  };
};

const byGuard = async (room: Room): Promise<Figures> => {
  const folder = await writeVersion(room.dir, room.values);
  const sockets = socketsIn(join(room.dir, 'sockets'));
  const child = await startGuard(join(room.dir, 'sockets'));
  try {
    const empty = memoryOf(child.pid ?? 0);
    const { took, waits } = await loadWhileAsked(sockets, folder);
    const context = contextOf('inbound', '1-a');
    const times = await policyTimes(sockets.policy, context, (count) => count >= asked);
    const figures = await throughSmtpd(
      join(room.dir, 'guarded'),
      `check_policy_service unix:${sockets.policy}`,
      {
        smtpd_policy_service_policy_context: context,
      },
    );
    return {
      load: ms(took),
      'longest answer to others while it loads': ms(Math.max(...waits)),
      'lookups a second (policy protocol, one smtpd)': {
        value: (asked * 1000) / times.reduce((sum, one) => sum + one, 0),
        unit: '/s',
      },
      ...figures,
      'memory of the guard without a list': mib(empty),
      'memory of the guard': mib(memoryOf(child.pid ?? 0)),
    };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
};

/** A folder with a main.cf, without which none of Postfix's tools runs. */
const toolFolder = (dir: string): string => {
  const etc = join(dir, 'tools');
  mkdirSync(etc);
  writeFileSync(join(etc, 'main.cf'), `compatibility_level = 3.6\nlmdb_map_size = ${4 * 2 ** 30}\n`);
  return etc;
};

/** Tables that a Scanner could have, by name. A linear one is asked for fewer keys. */
const tables: Record<string, (room: Room) => Promise<Figures>> = {
  'cidr:': async (room) => {
    const path = await cidrTable(room);
    return {
      ...(await byPostmap(room.etc, `cidr:${path}`, 500)),
      ...(await throughSmtpd(join(room.dir, 'cidr'), `check_client_access cidr:${path}`)),
    };
  },
  'proxy:cidr:': async (room) => {
    const table = `proxy:cidr:${await cidrTable(room)}`;
    return throughSmtpd(join(room.dir, 'proxied'), `check_client_access ${table}`, {
      proxy_read_maps: table,
    });
  },
  'cdb:': (room) => indexed('cdb', room),
  'lmdb:': (room) => indexed('lmdb', room),
  guard: byGuard,
};

export const bench: Bench = {
  what: `${networks.toLocaleString('en')} networks that may connect, in Postfix's tables and in the guard`,
  whyNot: whyNoPostfix,
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'access-tables-'));
    chmodSync(dir, 0o755);
    try {
      const values = await makeNetworks(join(dir, 'lines.txt'), networks);
      const room = { dir, etc: toolFolder(dir), values };
      const figures: Figures = { entries: { value: values.length, unit: '' } };
      for (const [table, measure] of Object.entries(tables))
        for (const [name, figure] of Object.entries(await measure(room)))
          figures[`${table} ${name}`] = figure;
      return { runs: 1, figures };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
