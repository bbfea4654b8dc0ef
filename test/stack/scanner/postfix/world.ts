import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import { freePort } from '../../../../local/ports.ts';

import type { MailSystem } from '../../../../scanner/postfix/mail-system.ts';
import { openPostfix, type PostfixOptions } from '../../../../scanner/postfix/open-postfix.ts';
import { type PostfixSink, postfixSink } from '../../../../scanner/postfix/postfix-sink.ts';
import { guardsOf, masterOf, signal } from '../../../../scanner/postfix/processes.ts';
import { openSession, type Reply, type SmtpSession } from '../../../../scanner/postfix/smtp-session.ts';
import type { PostfixParts } from '../../../../scanner/postfix/steps.ts';
import type { Contents, ListContent } from '../../../../scanner/sink.ts';
import { advancedOf, type Desired } from '../../../../shared/domain/desired.ts';
import { hostFormat } from '../../../../shared/domain/hosts.ts';
import { type AdvancedSettingsInput, advancedSettings } from '../../../../shared/schemas/advanced.ts';
import type { HostInput } from '../../../../shared/schemas/hosts.ts';
import type { ListName } from '../../../../shared/schemas/lists.ts';
import { type SmtpSettingsInput, smtpSettings } from '../../../../shared/schemas/smtp.ts';
import { until } from '../../../helpers/until.ts';
import { digestOf, root } from '../../../unit/scanner/documents.ts';
import { pieces } from '../../../unit/scanner/folder.ts';
import { sha } from '../../../unit/scanner/lists-of.ts';

/** Why no Postfix can be run here; empty where one can. */
export const lacking = [
  ...(existsSync('/usr/sbin/postfix') ? [] : ['Postfix is not installed']),
  ...(process.getuid?.() === 0 ? [] : ['only root can run Postfix']),
].join(', ');

/** A folder that Postfix's own user can get into. It goes with the test. */
export const openFolder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'postfix-'));
  chmodSync(dir, 0o711);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
};

const listening = async (port: number): Promise<Server> => {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

/** Takes a port until the test ends, or until it is closed. Who has just ended may have it a moment longer. */
export const takePort = async (port: number): Promise<Server> => {
  const server = await until(`port ${port} can be had`, () => listening(port), { seconds: 10 });
  onTestFinished(() => {
    server.close();
  });
  return server;
};

export interface Configured {
  revision?: number;
  smtp: SmtpSettingsInput;
  advanced?: AdvancedSettingsInput;
  lists?: Partial<Record<ListName, string>>;
  hosts?: HostInput[];
  artifacts?: Record<string, string>;
}

const withoutNull = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (_, member) => (member === null ? undefined : member)));

const hostLines = (hosts: readonly HostInput[]): string =>
  hosts
    .map((host, index) => hostFormat.line({ ...host, hostId: `host-${String(index).padStart(16, '0')}` }))
    .join('');

/** A configuration as it reaches a sink. */
export const configured = ({
  revision = 1,
  smtp,
  advanced = {},
  hosts,
  artifacts = {},
  ...more
}: Configured) => {
  const texts = { ...more.lists, ...(hosts ? { 'local-delivery': hostLines(hosts) } : {}) };
  const shadow = advancedOf(advancedSettings.parse(advanced));
  const entries = Object.entries(texts) as [ListName, string][];
  const desired = {
    smtp: {
      revision,
      ...withoutNull(smtpSettings.parse(smtp)),
      lists: Object.fromEntries(entries.map(([name]) => [name, { root: root('a'), entries: 1 }])),
      advanced: digestOf(shadow),
      artifacts: Object.fromEntries(Object.entries(artifacts).map(([name, text]) => [name, sha(text)])),
    },
    advanced: shadow,
  } as unknown as Desired;
  const contents: Contents = {
    lists: new Map(entries.map(([name, text]): [ListName, ListContent] => [name, pieces(text)])),
    artifacts: new Map(Object.entries(artifacts).map(([name, text]) => [name, { text }])),
  };
  return { desired, contents };
};

export const put = (sink: PostfixSink, what: Configured): Promise<string | undefined> => {
  const { desired, contents } = configured(what);
  return sink.apply(desired, contents);
};

/** Every program whose working folder is `dir` or below it. One that is ending is no program any more. */
const processesBelow = (dir: string): { pid: number; name: string; program: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dir}/`)) return [];
        const program = readlinkSync(`/proc/${pid}/exe`);
        return [{ pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), program }];
      } catch {
        return [];
      }
    });

/** Those of them that are of Postfix's own folder: its daemons, and not what a reload leaves to run a while (postfix-script). */
export const daemonsBelow = (dir: string): { pid: number; name: string }[] =>
  processesBelow(dir).filter(({ program }) => program.includes('/postfix/'));

/** Waits until no process is left that works in a folder or below it. */
export const nothingBelow = (dir: string): Promise<true> =>
  until(`nothing runs below ${dir}`, () => {
    const left = processesBelow(dir);
    if (left.length > 0) throw new Error(JSON.stringify(left));
    return true;
  });

/** The master daemon of a Postfix that runs. */
export const masterIn = async ({ home }: Pick<PostfixParts, 'home'>): Promise<number> => {
  const master = await masterOf(home);
  if (master === null) throw new Error('No master daemon runs.');
  return master;
};

/** The guard that answers. */
export const answeringGuard = async ({ guard }: Pick<PostfixParts, 'guard'>): Promise<number> =>
  (await until('the guard answers', () => guard.status())).pid;

/** Ends what a killed agent has left behind in its folder. */
export const endAll = async (dir: string): Promise<void> => {
  for (const pid of await guardsOf(join(dir, 'postfix', 'guard'))) signal(pid, 'SIGKILL');
  for (const { pid } of processesBelow(dir)) signal(pid, 'SIGKILL');
};

export type Wrap = (parts: PostfixParts) => PostfixParts;

/** Parts whose Postfix does some things otherwise. */
export const withMail =
  (change: (parts: PostfixParts) => Partial<MailSystem>): Wrap =>
  (parts) => ({ ...parts, mail: { ...parts.mail, ...change(parts) } });

/** Parts of which the first reload fails before Postfix hears of it; and the version in force at each reload. */
export const firstReloadFails = () => {
  const reloads: (string | null)[] = [];
  const wrap = withMail(({ mail, versions }) => ({
    reload: async () => {
      reloads.push(await versions.target());
      if (reloads.length === 1) throw new Error('the disk is on fire');
      await mail.reload();
    },
  }));
  return { reloads, wrap };
};

/** For what Postfix looks for only once a minute. */
export const withinAMinute = { seconds: 90 };

/** A sink in `dir`; what it runs ends with the test. */
export const sinkIn = async (
  dir: string,
  more: Partial<PostfixOptions> = {},
  wrap: Wrap = (parts) => parts,
) => {
  const lines: string[] = [];
  const parts = await openPostfix({
    dir,
    id: 'mx1',
    hostName: 'mx1.example.com',
    installed: false,
    log: (line) => lines.push(line),
    ...more,
  });
  const patience = { allMs: 60_000, sessionMs: 10_000, dnsMs: 0, againMs: 20 };
  const sink = postfixSink(wrap({ ...parts, patience }));
  onTestFinished(async () => {
    await sink.stop().catch(() => undefined);
    await parts.mail.stop();
    await parts.guard.stop();
  });
  return { sink, parts, lines };
};

/** Speaks to a listener; the session ends with the test, and says nothing after so many seconds. */
export const smtpTo = async (
  port: number,
  { address = '127.0.0.1', seconds = 60 } = {},
): Promise<SmtpSession & { banner: Reply }> => {
  const session = await openSession({ address, port }, AbortSignal.timeout(seconds * 1000));
  onTestFinished(() => session.close());
  return { ...session, banner: await session.reply() };
};

/** A session that outlasts changes of the configuration. */
export const lasting = { seconds: 170 };

/** What a listener says to whoever connects, and to EHLO. */
export const greetingOf = async (port: number): Promise<string> => {
  const session = await smtpTo(port);
  const { code, lines } = session.banner;
  const said = code === 220 ? (await session.say('EHLO there.example')).lines.slice(1) : [];
  session.close();
  return [`${code} ${lines[0]}`, ...said].join('\n');
};

/** Settings of one inbound listener on loopback. */
export const inboundAt = (port: number, more: Partial<NonNullable<SmtpSettingsInput['inbound']>> = {}) => ({
  mailFiltering: 'inbound' as const,
  inbound: { ipv4: { address: '127.0.0.1', port }, ...more },
});

/** A configuration that shows by EHLO which one it is. */
export const telling = (port: number, revision: number): Configured => ({
  revision,
  smtp: inboundAt(port),
  advanced: { inbound: { maxMessageBytes: 1_000_000 + revision } },
});

/** The revision of such a configuration, as a client sees it. */
export const toldAt = async (port: number): Promise<number> =>
  Number(/SIZE (\d+)/.exec(await greetingOf(port))?.[1]) - 1_000_000;

/** A sink whose Postfix runs revision 1 at a free port. */
export const running = async () => {
  const dir = openFolder();
  const port = await freePort();
  const world = await sinkIn(dir);
  await put(world.sink, telling(port, 1));
  return { dir, port, ...world };
};
