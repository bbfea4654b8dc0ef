import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export type SwarmMessage =
  | { kind: 'ready'; connected: number; failed: string[] }
  /** `at` is in milliseconds of the epoch, with fractions. */
  | { kind: 'applied'; scannerId: string; revision: number; at: number }
  | { kind: 'usage'; cpuSeconds: number; bytes: number };

/** Reference Scanners in a process of their own, against the embedded stack that keeps its state in `data`. */
export interface Swarm {
  /** When a Scanner applied a revision, or a later one, in milliseconds of the epoch; waits for it. */
  appliedAt(scannerId: string, revision: number): Promise<number>;
  /** Processor time so far, and memory now. */
  usage(): Promise<{ cpuSeconds: number; bytes: number }>;
  stop(): Promise<void>;
}

/** Registers, enrols and connects `count` Scanners, s00000 and on, each over its own connection. */
export const startSwarm = async (data: string, count: number): Promise<Swarm> => {
  const child = fork(join(import.meta.dirname, 'swarm-process.ts'), [data, String(count)]);
  const applied = new Map<string, { revision: number; at: number }>();
  const waiting = new Map<string, () => void>();
  const hear = <K extends SwarmMessage['kind']>(kind: K) =>
    new Promise<Extract<SwarmMessage, { kind: K }>>((resolve) => {
      const listen = (message: unknown) => {
        const heard = message as SwarmMessage;
        if (heard.kind !== kind) return;
        child.off('message', listen);
        resolve(heard as Extract<SwarmMessage, { kind: K }>);
      };
      child.on('message', listen);
    });
  child.on('message', (message: unknown) => {
    const heard = message as SwarmMessage;
    if (heard.kind !== 'applied') return;
    applied.set(heard.scannerId, heard);
    waiting.get(heard.scannerId)?.();
  });
  const { failed } = await hear('ready');
  if (failed.length > 0) throw new Error(`not every Scanner could join: ${failed.join(' | ')}`);
  return {
    async appliedAt(scannerId, revision) {
      for (;;) {
        const last = applied.get(scannerId);
        if (last && last.revision >= revision) return last.at;
        await new Promise<void>((resolve) => waiting.set(scannerId, resolve));
      }
    },
    async usage() {
      const heard = hear('usage');
      child.send('usage');
      return heard;
    },
    async stop() {
      const exit = once(child, 'exit');
      child.send('stop');
      await exit;
    },
  };
};
