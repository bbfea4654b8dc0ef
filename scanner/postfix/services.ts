import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Home } from './home.ts';
import { endMaster, guardsOf, signal } from './processes.ts';
import { runToSuccess } from './program.ts';

/** Who starts and stops Postfix and the guard. */
export interface Services {
  /** True where they go on when the agent ends. */
  readonly outlive: boolean;
  startPostfix(): Promise<void>;
  stopPostfix(): Promise<void>;
  /** Starts a guard; it loads nothing, or what is in force. */
  startGuard(): Promise<void>;
  /** Tells it to end; one that hangs may not. */
  stopGuard(): Promise<void>;
}

const guardProgram = fileURLToPath(new URL('guard/main.ts', import.meta.url));

const spawnGuard = async ({ socketFolder, group, hostName }: Home, logFolder: string): Promise<void> => {
  const out = openSync(join(logFolder, 'guard.log'), 'a', 0o600);
  try {
    const args = [guardProgram, '--sockets', socketFolder, '--group', String(group), '--host-name', hostName];
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', out, out], cwd: '/' });
    await once(child, 'spawn');
    child.unref();
  } finally {
    closeSync(out);
  }
};

/** Both are processes that the agent starts, and that go on when it is killed, so that mail does. */
export const ownServices = (home: Home, current: string, logFolder: string): Services => ({
  outlive: false,
  startPostfix: async () => {
    await runToSuccess('postfix', ['-c', current, 'start']);
  },
  stopPostfix: () => endMaster(home),
  startGuard: () => spawnGuard(home, logFolder),
  stopGuard: async () => {
    for (const pid of await guardsOf(home.socketFolder)) signal(pid, 'SIGTERM');
  },
});

/** Both are units of systemd (`scanner/install.sh`), which starts them again, at boot too, without the agent. */
export const systemServices = (id: string): Services => {
  const systemctl = async (verb: string, unit: string): Promise<void> => {
    await runToSuccess('systemctl', [verb, `${unit}@${id}.service`]);
  };
  return {
    outlive: true,
    startPostfix: () => systemctl('restart', 'scanner-postfix'),
    stopPostfix: () => systemctl('stop', 'scanner-postfix'),
    startGuard: () => systemctl('restart', 'scanner-guard'),
    stopGuard: () => systemctl('stop', 'scanner-guard'),
  };
};
