import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { nobodyAt } from '../../../helpers/nobody-at.ts';
import { startScannerProcess } from '../../../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../../../helpers/stack.ts';
import { until } from '../../../helpers/until.ts';
import { registered, save, sync } from '../../../journey/support.ts';
import { endAll, inboundAt, lacking, nothingBelow, smtpTo, toldAt } from './world.ts';

let stack: StackProcess;
beforeAll(async () => {
  if (lacking === '') stack = await startStackProcess();
});
afterAll(() => stack?.stop());

/** An agent as `npm run scanner` starts it; neither it nor its Postfix outlives the test. */
const start = (id: string) => {
  const scanner = startScannerProcess(stack.dir, id, ['--mta', 'postfix', '--host-name', 'mx1.example.com']);
  onTestFinished(async () => {
    await scanner.stop();
    await endAll(scanner.dir);
  });
  return scanner;
};

/** Message sizes tell a client which save is in force. */
const saveLimit = async (id: string, limit: number): Promise<number> => {
  const advanced = await stack.call(
    'PATCH',
    `/scanners/${id}/smtp/advanced`,
    { inbound: { maxMessageBytes: 1_000_000 + limit } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(advanced).toMatchObject({ status: 200 });
  return (advanced.body as { revision: number }).revision;
};

const applied = (id: string, revision: number) =>
  until(`${id} applied ${revision}`, async () => {
    const state = await sync(stack, id);
    return state.appliedRevision === revision && state;
  });

describe.skipIf(lacking !== '')(`a Scanner with a Postfix${lacking && ` (${lacking})`}`, () => {
  it('says applied only when its Postfix answers by what was saved', async () => {
    const scanner = start('mx1');
    await registered(stack, 'mx1');
    const port = await freePort();
    await applied('mx1', await save(stack, 'mx1', inboundAt(port)));
    expect((await smtpTo(port)).banner).toMatchObject({ code: 220, lines: ['mx1.example.com ESMTP'] });

    for (const limit of [1, 2, 3]) {
      await applied('mx1', await saveLimit('mx1', limit));
      expect(await toldAt(port)).toBe(limit);
    }

    expect(await sync(stack, 'mx1')).toMatchObject({
      lastReport: { code: 'applied', message: 'Postfix was reloaded' },
    });
    expect(scanner.output()).toMatch(/applied revision \d+ \(.*\): Postfix was reloaded/);
    await scanner.stop();
    await nobodyAt(port);
    await nothingBelow(scanner.dir);
  });

  it('killed with -9 as it switches leaves mail going on, and the next process ends at what was saved', async () => {
    const scanner = start('mx2');
    await registered(stack, 'mx2');
    const port = await freePort();
    await applied('mx2', await save(stack, 'mx2', inboundAt(port)));
    const revision = await saveLimit('mx2', 5);
    await until('it switches', () => scanner.output().split('is switched to').length > 2);

    await scanner.kill9();

    expect((await smtpTo(port)).banner.code).toBe(220);
    const next = start('mx2');
    // The one before may have reported in its last moment, when this one does not listen to signals yet.
    await until('the next one has looked', () => /runs (revision|no configuration)/.test(next.output()));
    await applied('mx2', revision);
    expect(await toldAt(port)).toBe(5);
    await next.stop();
    await nothingBelow(next.dir);
  });
});
