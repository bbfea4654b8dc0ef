import { join } from 'node:path';
import { type Asking, authenticator } from './authenticate.ts';
import { connectionTable, readConnections } from './connection-table.ts';
import type { GuardStatus } from './control-protocol.ts';
import { serveControl } from './control-server.ts';
import { decider } from './decide.ts';
import { serveAuthentication } from './dovecot-server.ts';
import { servePolicy } from './policy-server.ts';
import { queueCounts } from './queue-counts.ts';
import { recipientCounts } from './quotas.ts';
import { sessionRegistry } from './sessions.ts';
import { softwareVersion } from './software.ts';
import { listenUnix } from './unix-server.ts';
import { versionStore } from './versions.ts';

/** The guard's sockets in their folder. A path of a unix socket has at most 107 bytes (unix(7)). */
export const socketsIn = (folder: string) => ({
  policy: join(folder, 'policy'),
  authentication: join(folder, 'auth'),
  control: join(folder, 'control'),
});

/** Postfix waits 10 seconds for an authentication (xsasl_dovecot_server.c); it is told that it failed for now before it gives up. */
const authenticationMs = 9000;
/** What an attempt has, with its turn and its source: less than that. */
const attemptMs = 8000;

export interface GuardOptions extends Omit<Asking, 'withinMs'> {
  sockets: ReturnType<typeof socketsIn>;
  /** Whose members (Postfix) may ask; null: the own user alone. */
  group: number | null;
}

export interface Guard {
  load(folder: string): Promise<void>;
  close(): Promise<void>;
}

const now = () => performance.now();

/**
 * Starts the guard: what Postfix asks about sessions and users it answers by the versions that are loaded; what it does not know is deferred.
 * @throws SocketInUse where another guard runs.
 */
export const startGuard = async ({ sockets, group, ...asking }: GuardOptions): Promise<Guard> => {
  const { log } = asking;
  const software = softwareVersion();
  const versions = versionStore();
  const connections = connectionTable(() => readConnections(versions.listensOn));
  // No version is loaded yet: which of them are of a listener is seen later.
  const sessions = sessionRegistry(await readConnections());
  const decide = decider({
    versions,
    sessions,
    quotas: recipientCounts(),
    connections,
    queued: queueCounts(now),
    now,
  });
  const status = (): GuardStatus => ({
    pid: process.pid,
    software,
    versions: versions.all().map(({ name, configuration, lists }) => ({
      name,
      revision: configuration.revision,
      answers: versions.answers(name),
      entries: Object.fromEntries([...lists].map(([list, { count }]) => [list, count])),
    })),
    sessions: sessions.size,
    memoryBytes: process.memoryUsage.rss(),
  });
  const authenticate = authenticator(versions, { ...asking, withinMs: attemptMs });
  const control = await listenUnix(
    { path: sockets.control, group: null },
    serveControl({
      versions,
      inUse: async () => sessions.versionsOf(await connections()),
      status,
      log,
    }),
  );
  const servers = [
    control,
    await listenUnix({ path: sockets.policy, group }, servePolicy(decide, log)),
    await listenUnix(
      { path: sockets.authentication, group },
      serveAuthentication({ authenticate, withinMs: authenticationMs, log }),
    ),
  ];
  return {
    load: async (folder) => {
      await versions.load(folder);
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
};
