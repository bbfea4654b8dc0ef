import { hostname } from 'node:os';
import { getCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { signalled } from '../../signalled.ts';
import { socketsIn, startGuard } from './guard.ts';
import { startWatchdog } from './watchdog.ts';

const usage = `The guard of a Scanner's Postfix: answers its questions about clients (policy delegation) and users (Dovecot's
authentication protocol), and obeys the agent. The agent starts it.

  node scanner/postfix/guard/main.ts --sockets DIR [--group GID] [--host-name NAME] [--load FOLDER …]

  --sockets DIR      folder of its sockets: policy, auth, control
  --group GID        number of the group whose members, Postfix, may use policy and auth; without it the own user alone may
  --host-name NAME   how it names itself to an SMTP server that it asks about users (default: name of the host)
  --load FOLDER      a version to load at once; as often as there are versions

Ends with 0 when told to (SIGINT, SIGTERM), with 1 when its sockets cannot be used, with 2 when called wrongly. Kills itself
when its event loop has not turned for ten seconds.
`;

const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

const options = {
  sockets: { type: 'string' },
  group: { type: 'string' },
  'host-name': { type: 'string', default: hostname() },
  load: { type: 'string', multiple: true, default: [] as string[] },
} as const;

const readArguments = () => {
  const { values } = parseArgs({ options });
  const { sockets, group, load } = values;
  if (sockets === undefined) throw new Error('--sockets is missing.');
  if (group !== undefined && !/^\d+$/.test(group)) throw new Error('--group is a number.');
  return { sockets, group: group === undefined ? null : Number(group), load, hostName: values['host-name'] };
};

/** What is not loaded is deferred until the agent, which looks for it, has it loaded: no reason not to answer for the others. */
const loadAll = async (guard: Awaited<ReturnType<typeof startGuard>>, folders: readonly string[]) => {
  for (const folder of folders)
    await guard
      .load(folder)
      .catch((error: Error) => log(`the version of ${folder} is not loaded: ${error.message}`));
};

const run = async ({ sockets, group, load, hostName }: ReturnType<typeof readArguments>): Promise<void> => {
  const signal = signalled({ byNpm: false });
  process.umask(0o077);
  const watchdog = startWatchdog();
  const ca = [...getCACertificates('default'), ...getCACertificates('system')];
  const guard = await startGuard({ sockets: socketsIn(sockets), group, trust: { ca }, hostName, log });
  log('the guard answers');
  await loadAll(guard, load);
  log(`stops on ${await signal}`);
  await guard.close();
  await watchdog.close();
};

const main = async (): Promise<number> => {
  let line: ReturnType<typeof readArguments>;
  try {
    line = readArguments();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  try {
    await run(line);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
};

process.exitCode = await main();
