import { copyFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../../../helpers/until.ts';
import { bothWays, send, startServer } from './both-ways.ts';
import { freePort, lacking, openFolder, smtpTo } from './world.ts';

describe.skipIf(lacking !== '')(`mail that waits${lacking && ` (${lacking})`}`, () => {
  it('goes to the host of today when the list has changed', async () => {
    const { port, apply, operator, relay } = await bothWays();
    await apply(1, await freePort());
    await send(port, 'waits');
    expect(await operator.reason()).toContain('Connection refused');

    const today = await startServer();
    await apply(2, today.port);
    operator.flush();

    await until('it is delivered', () => today.mails.length > 0);
    expect(today.mails[0]).toMatchObject({ from: 'a@there.example', to: ['b@foreign.example'] });
    expect(relay.mails).toEqual([]);
  });

  it('goes nowhere else while there is no host, and to the next one that there is', async () => {
    const { port, apply, operator, relay } = await bothWays();
    await apply(1, await freePort());
    await send(port, 'waits');
    await operator.reason();

    await apply(2);
    operator.flush();
    await until('it is tried', async () => (await operator.reason()).includes('transport unavailable'));

    const today = await startServer();
    await apply(3, today.port);
    operator.flush();
    await until('it is delivered', () => today.mails.length > 0);
    expect(relay.mails).toEqual([]);
  });

  it('and is requeued is not relayed; an operator says where it goes', async () => {
    const { port, apply, operator, relay, parts } = await bothWays();
    await apply(1, await freePort(), await freePort());
    await send(port, 'requeued');
    await operator.reason();
    const today = await startServer();
    await apply(2, today.port);

    operator.requeue('ALL');
    await until('it waits anew', async () => (await operator.reason()).includes('Requeued'));
    expect([...relay.mails, ...today.mails]).toEqual([]);

    const version = realpathSync(parts.versions.current);
    const kept = join(openFolder(), 'master.cf');
    copyFileSync(join(version, 'master.cf'), kept);
    const [{ queue_id: id } = { queue_id: '' }] = operator.queued();
    operator.run('postconf', '-P', 'pickup/unix/content_filter=internal:');
    operator.run('postfix', 'reload');
    operator.requeue(id);
    await until('it is delivered', () => today.mails.length > 0);
    copyFileSync(kept, join(version, 'master.cf'));
    operator.run('postfix', 'reload');
    expect(readdirSync(join(parts.home.queueDirectory, 'maildrop'))).toEqual([]);
    expect(relay.mails).toEqual([]);
  });
});

describe.skipIf(lacking !== '')(`a notice of what cannot be delivered${lacking && ` (${lacking})`}`, () => {
  it('has the headers of the message, and nothing of its body', async () => {
    const { port, apply, relay } = await bothWays();
    await apply(1, (await startServer({ refuses: true })).port);
    await send(port, 'unwanted');

    await until('the notice is sent', () => relay.mails.length > 0);
    expect(relay.mails[0]).toMatchObject({ from: '', to: ['a@there.example'] });
    expect(relay.mails[0]?.text).toContain('Subject: unwanted');
    expect(relay.mails[0]?.text).not.toContain('The body of unwanted');
  });

  it('is not to be had for the asking by strangers', async () => {
    const { port, apply } = await bothWays();
    await apply(1, (await startServer()).port);
    const session = await smtpTo(port);
    expect((await session.say('EHLO there.example')).lines).not.toContain('DSN');
    await session.say('MAIL FROM:<a@there.example>');
    expect(await session.say('RCPT TO:<b@here.example> NOTIFY=SUCCESS')).toMatchObject({ code: 501 });
  });
});
