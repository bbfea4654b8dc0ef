import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../helpers/until.ts';

/** Three seconds: on a busy machine, too, neither of two threads is kept from its work for half of that while the other one goes on. */
const patience = { tickMs: 300, ticks: 10 };
const limitMs = patience.tickMs * patience.ticks;

const program = `
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { startWatchdog } from './scanner/postfix/guard/watchdog.ts';
const busy = (ms) => { for (const begun = performance.now(); performance.now() - begun < ms; ); };
const acts = {
  loop: () => busy(Infinity),
  starve: () => { const again = () => process.nextTick(again); again(); },
  work: async () => { for (let piece = 0; piece < 3; piece++) { busy(${limitMs / 2}); await turn(); } },
  rest: () => sleep(${limitMs * 1.5}),
  close: async () => { process.stdin.destroy(); await watchdog.close(); },
};
const watchdog = startWatchdog(${JSON.stringify(patience)});
process.stdin.on('data', async (act) => { await acts[act](); console.log(act + " is done"); });
console.log('watched');
`;

const watched = async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += piece));
  // Not `exit`, by which not all that it said may have come.
  const ended = once(child, 'close');
  await until('it is watched', () => said.includes('watched'));
  return {
    child,
    ended,
    said: () => said,
    begin: (act: string) => child.stdin.write(act),
    async act(act: string) {
      child.stdin.write(act);
      await until(
        `${act} is done, or it has ended`,
        () => said.includes(`${act} is done`) || child.signalCode,
      );
      return child.signalCode;
    },
  };
};

describe('a process whose event loop is watched', () => {
  it.each([
    'loop',
    'starve',
  ])('is killed when that does not turn any more (%s), and says why', async (act) => {
    const { begin, ended, said } = await watched();
    begin(act);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(said()).toMatch(/Z the guard hangs: its event loop has not turned for 3 s\. It is killed, .*\n$/);
  });

  it('goes on with work that pauses it for half the time, again and again', async () => {
    expect(await (await watched()).act('work')).toBeNull();
  });

  it('goes on when it was stopped for longer, and let go on', async () => {
    const { child, act } = await watched();
    child.kill('SIGSTOP');
    await sleep(limitMs * 1.5);
    child.kill('SIGCONT');
    expect(await act('rest')).toBeNull();
  });

  it('ends by itself when the watch is over', async () => {
    const { begin, ended } = await watched();
    begin('close');
    expect(await ended).toEqual([0, null]);
  });

  it('ends by itself when nothing else is to do, too', async () => {
    const { child, ended } = await watched();
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
  });
});
