import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { countMessages, queueCounts } from '../../../../scanner/postfix/guard/queue-counts.ts';

const queueOf = async (...files: string[]): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'queue-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const file of files) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), '');
  }
  return directory;
};

describe('messages in the queue', () => {
  it('are files, in hashed folders too', async () => {
    const directory = await queueOf(
      'deferred/0/0ABC1234',
      'deferred/F/F1234567',
      'deferred/F/F2/F2345678',
      'active/AB12345',
    );
    expect(await countMessages(join(directory, 'deferred'))).toBe(3);
    expect(await countMessages(join(directory, 'active'))).toBe(1);
    expect(await countMessages(join(directory, 'incoming'))).toBe(0);
  });

  /** Counts with a clock and a folder of our own. */
  const counted = (took = 0) => {
    const world = { time: 0, messages: 5, counts: 0 };
    const count = queueCounts(
      () => world.time,
      async () => {
        world.counts += 1;
        world.time += took;
        return world.messages;
      },
    );
    return { world, ask: () => count({ directory: '/queue', queues: ['incoming'] }) };
  };

  it('are counted once for all who ask within a second', async () => {
    const { world, ask } = counted();
    expect(await Promise.all([ask(), ask()])).toEqual([5, 5]);
    world.time = 999;
    world.messages = 6;
    expect(await ask()).toBe(5);
    world.time = 1000;
    expect(await ask()).toBe(6);
    expect(world.counts).toBe(2);
  });

  it('are counted a twentieth of the time where that takes long', async () => {
    const { world, ask } = counted(200);
    await ask();
    world.time = 3999;
    await ask();
    expect(world.counts).toBe(1);
    world.time = 4000;
    await ask();
    expect(world.counts).toBe(2);
  });

  it('of several queues are added up', async () => {
    const directory = await queueOf('active/A1A1A1', 'active/A2A2A2', 'deferred/0/010101');
    const count = queueCounts(() => 0);
    expect(await count({ directory, queues: ['active', 'deferred'] })).toBe(3);
  });

  it('that could not be counted are counted for the next who asks', async () => {
    let fails = true;
    const count = queueCounts(
      () => 0,
      async () => {
        if (fails) throw new Error('EACCES');
        return 7;
      },
    );
    await expect(count({ directory: '/queue', queues: ['active'] })).rejects.toThrow('EACCES');
    fails = false;
    expect(await count({ directory: '/queue', queues: ['active'] })).toBe(7);
  });
});
