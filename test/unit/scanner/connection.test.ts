import { expect, it } from 'vitest';
import { keepConnected } from '../../../scanner/connection.ts';

it('a Scanner that is not let in says what may be wrong and what to do after four failures in a row, then more and more rarely', async () => {
  const lines: string[] = [];
  let waits = 0;
  const done = Promise.withResolvers<void>();
  const connection = keepConnected({
    open: async () => {
      throw new Error('not authorised');
    },
    onOpen: () => undefined,
    backoff: { baseMs: 1, capMs: 1 },
    time: {
      elapsed: () => 0,
      sleep: async () => {
        waits += 1;
        if (waits === 17) {
          done.resolve();
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    },
    random: () => 0,
    explain: async () => `explained after ${waits + 1}`,
    log: (line) => void lines.push(line),
  });
  await done.promise;
  await connection.stop();

  const explained = lines.filter((line) => line.startsWith('explained'));
  expect(explained.slice(0, 3)).toEqual(['explained after 4', 'explained after 8', 'explained after 16']);
});

it('of a name with several addresses that all refuse, the code is told', async () => {
  const lines: string[] = [];
  const done = Promise.withResolvers<void>();
  const connection = keepConnected({
    open: async () => {
      throw Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    },
    onOpen: () => undefined,
    backoff: { baseMs: 1, capMs: 1 },
    time: { elapsed: () => 0, sleep: async () => done.resolve() },
    random: () => 0,
    log: (line) => void lines.push(line),
  });
  await done.promise;
  await connection.stop();

  expect(lines[0]).toBe('not connected (ECONNREFUSED); trying again in 0.0 s');
});
