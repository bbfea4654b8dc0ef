import { describe, expect, it } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { until } from '../../../helpers/until.ts';
import { bothWays, send, startServer } from './both-ways.ts';
import { lacking, smtpTo, withinAMinute } from './world.ts';

/** Milliseconds: more than `until` waits in all. */
const timeout = 400_000;

describe.skipIf(lacking !== '')(`mail that waits${lacking && ` (${lacking})`}`, { timeout }, () => {
  it('goes to the host of today when the list has changed', async () => {
    const relay = await startServer();
    const { port, apply, operator } = await bothWays(relay);
    await apply(1, await freePort());
    await send(port, 'waits');
    expect(await operator.reason()).toContain('Connection refused');

    const today = await startServer();
    await apply(2, today.port);
    await operator.flush(() => today.mails.length > 0);

    expect(today.mails[0]).toMatchObject({ from: 'a@there.example', to: ['b@foreign.example'] });
    expect(relay.mails).toEqual([]);
  });

  it('goes nowhere else while there is no host, and to the next one that there is', async () => {
    const relay = await startServer();
    const { port, apply, operator } = await bothWays(relay);
    await apply(1, await freePort());
    await send(port, 'waits');
    await operator.reason();

    await apply(2);
    await operator.flush(() => operator.reasonNow()?.includes('transport unavailable'));

    const today = await startServer();
    await apply(3, today.port);
    await operator.flush(() => today.mails.length > 0);
    expect(relay.mails).toEqual([]);
  });

  it('and came in is not relayed when it is requeued; an operator says that it goes inward', async () => {
    const relay = await startServer();
    const { port, apply, operator } = await bothWays(relay);
    await apply(1, await freePort(), await freePort());
    await send(port, 'requeued');
    await operator.reason();
    const today = await startServer();
    await apply(2, today.port);

    operator.requeue('ALL');
    await operator.reason('Requeued');
    expect([...relay.mails, ...today.mails]).toEqual([]);

    await operator.requeueTo('internal:', () => today.mails.length > 0);
    expect(relay.mails).toEqual([]);
  });

  it('and goes out waits when it is requeued; an operator says that it goes outward', async () => {
    const relay = { mails: [], port: await freePort() };
    const { outbound, apply, operator } = await bothWays(relay);
    const local = await startServer();
    await apply(1, local.port);
    await send(outbound, 'requeued');
    await operator.reason();

    operator.requeue('ALL');
    await operator.reason('Requeued');

    const { mails } = await startServer({ port: relay.port });
    await operator.requeueTo('', () => mails.length > 0);
    expect(local.mails).toEqual([]);
  });
});

describe.skipIf(lacking !== '')(`a notice of what cannot be delivered${lacking && ` (${lacking})`}`, () => {
  it('has the headers of the message, and nothing of its body', async () => {
    const relay = await startServer();
    const { port, apply } = await bothWays(relay);
    await apply(1, (await startServer({ refuses: true })).port);
    await send(port, 'unwanted');

    await until('the notice is sent', () => relay.mails.length > 0, withinAMinute);
    expect(relay.mails[0]).toMatchObject({ from: '', to: ['a@there.example'] });
    expect(relay.mails[0]?.text).toContain('Subject: unwanted');
    expect(relay.mails[0]?.text).not.toContain('The body of unwanted');
  });

  it('is not to be had for the asking by strangers', async () => {
    const { port, apply } = await bothWays(await startServer());
    await apply(1, (await startServer()).port);
    const session = await smtpTo(port);
    expect((await session.say('EHLO there.example')).lines).not.toContain('DSN');
    await session.say('MAIL FROM:<a@there.example>');
    expect(await session.say('RCPT TO:<b@here.example> NOTIFY=SUCCESS')).toMatchObject({ code: 501 });
  });
});
