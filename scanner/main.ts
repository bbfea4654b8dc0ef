import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { createScannerAgent, type ScannerAgent } from './agent.ts';
import { type CommandLine, exitCodes, readCommandLine, UsageError, usage } from './command-line.ts';
import { ControlPlaneRefused, ControlPlaneUnreachable, whyTurnedAway } from './control-plane.ts';
import { readEndpoints } from './endpoints.ts';
import { assureIdentity } from './enrolment.ts';
import { FolderInUse, lockFolder } from './folder-lock.ts';
import { folderSink } from './folder-sink.ts';
import { makeFolder } from './make-folder.ts';
import { openObjectCache } from './object-cache.ts';
import { PostfixUnusable } from './postfix/home.ts';
import { openPostfix } from './postfix/open-postfix.ts';
import { postfixSink } from './postfix/postfix-sink.ts';
import { isOfNpm, signalled } from './signalled.ts';
import type { Sink } from './sink.ts';
import { explanationOf } from './turned-away.ts';

const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

const accessOf = async ({ access, data }: CommandLine) => {
  if (access) return access;
  const { api, token } = await readEndpoints(data);
  return { url: api, token };
};

/** Against the embedded stack its file says where the broker is today; its ports may have changed since enrolment. */
const brokerOf = async ({ access, data }: CommandLine, enrolled: { host: string; port: number }) =>
  access
    ? enrolled
    : await readEndpoints(data).then(
        ({ mqtt }) => mqtt,
        () => enrolled,
      );

const folderOf = ({ data, id }: CommandLine): string => join(data, 'scanners', id);

const explain = (line: CommandLine, reason: unknown): Promise<string> =>
  explanationOf(line.id, reason, async () => whyTurnedAway(await accessOf(line), line.id));

/** A sink, what it is the software of, what begins before the control plane is spoken to, and what ends with the process. */
interface Runs {
  sink: Sink;
  software: { name: string; version: string };
  begin: () => Promise<unknown>;
  stop: () => Promise<void>;
}

const openSink = async (line: CommandLine): Promise<Runs> => {
  const { id, hostName, postfix } = line;
  const dir = folderOf(line);
  if (!postfix)
    return {
      sink: folderSink(dir),
      software: { name: 'reference-scanner', version: packageJson.version },
      begin: async () => undefined,
      stop: async () => undefined,
    };
  // Postfix warns of folders that others may write to.
  process.umask(0o022);
  const parts = await openPostfix({ dir, id, hostName, log, ...postfix });
  const sink = postfixSink(parts);
  const software = { name: 'postfix', version: `${parts.home.mailVersion} (scanner ${packageJson.version})` };
  // Mail does not wait for the control plane.
  return { sink, software, begin: () => sink.held(), stop: () => sink.stop() };
};

const startAgent = async (
  line: CommandLine,
  { sink, software }: Pick<Runs, 'sink' | 'software'>,
  stop: AbortSignal,
): Promise<ScannerAgent> => {
  const { id: scannerId, hostName } = line;
  const dir = folderOf(line);
  const { mqtt, ...credentials } = await assureIdentity({
    scannerId,
    ...(hostName ? { hostName } : {}),
    dir,
    access: () => accessOf(line),
    anew: line.enrol,
    now: () => new Date(),
    log,
    signal: stop,
  });
  return createScannerAgent({
    link: { ...(await brokerOf(line, mqtt)), clientId: scannerId, ...credentials },
    sink,
    cache: await openObjectCache(dir),
    software,
    log,
    newId: randomUUID,
    explain: (reason) => explain(line, reason),
  });
};

/** Runs a sink until it is stopped. Whatever ends it, what the sink began is ended, so that the process can end. */
const runSink = async (
  line: CommandLine,
  { begin, stop: end, ...runs }: Runs,
  stop: AbortSignal,
): Promise<void> => {
  try {
    await begin();
    const agent = await startAgent(line, runs, stop).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
    if (!stop.aborted) await once(stop, 'abort');
    log((stop.reason as Error).message);
    await agent?.stop();
  } finally {
    await end();
  }
};

/** Runs until a signal; another one ends the process at once. */
const run = async (line: CommandLine): Promise<number> => {
  const signal = signalled({ byNpm: isOfNpm(process.env) });
  await makeFolder({ mkdir }, folderOf(line));
  const letGo = lockFolder(folderOf(line), log);
  const stop = new AbortController();
  void signal.then((name) => stop.abort(new Error(`stops on ${name}`)));
  try {
    await runSink(line, await openSink(line), stop.signal);
  } finally {
    letGo();
  }
  return exitCodes.stopped;
};

const codeOf = (error: unknown): number => {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof ControlPlaneUnreachable) return exitCodes.unreachable;
  if (error instanceof ControlPlaneRefused) return exitCodes.refused;
  if (error instanceof FolderInUse) return exitCodes.inUse;
  if (error instanceof PostfixUnusable) return exitCodes.mta;
  return exitCodes.folder;
};

const main = async (): Promise<number> => {
  try {
    const line = readCommandLine(process.argv.slice(2), process.env);
    if (!line.help) return await run(line);
    console.log(usage);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    if (error instanceof UsageError) console.error('--help says more.');
    return codeOf(error);
  }
};

process.exitCode = await main();
