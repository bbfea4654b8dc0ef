import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../functions/stores/audit.ts';
import type { Rollout, RolloutTarget } from '../../shared/schemas/rollouts.ts';
import { type Answer, type Puppet, startPuppet } from '../helpers/puppet.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type ApiAnswer, keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { conditionOf, inboundSettings, inSync, register, registered, save, sync } from './support.ts';

let stack: StackProcess;
const scanners: ScannerProcess[] = [];
const puppets: Puppet[] = [];
beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
});
afterAll(async () => {
  await Promise.all([
    ...scanners.map((scanner) => scanner.stop()),
    ...puppets.map((puppet) => puppet.close()),
  ]);
  await stack?.stop();
});

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  stack.call(method, path, body, headers);
const codeOf = (answer: ApiAnswer) => (answer.body as { code?: string }).code;
const get = async <T>(path: string): Promise<T> => (await call('GET', path)).body as T;
const revisionOf = async (id: string) => (await get<{ revision: number }>(`/scanners/${id}`)).revision;

const rolloutOf = (id: string) => get<Rollout>(`/rollouts/${id}`);
const targetsOf = async (id: string, query = ''): Promise<RolloutTarget[]> =>
  (await get<{ items: RolloutTarget[] }>(`/rollouts/${id}/targets${query}`)).items;
const outcomesOf = async (id: string) =>
  Object.fromEntries((await targetsOf(id)).map(({ scannerId, outcome }) => [scannerId, outcome]));
const act = (id: string, action: string) => call('POST', `/rollouts/${id}/${action}`, {});

const create = async (body: object, query = ''): Promise<string> => {
  const answer = await call('POST', `/rollouts${query}`, body);
  expect(answer).toMatchObject({ status: 202, body: { state: 'running', dryRun: false } });
  const { rolloutId } = answer.body as Rollout;
  expect(answer.headers.get('location')).toBe(`/v1/rollouts/${rolloutId}`);
  return rolloutId;
};

/** Waits for a rollout to be in a state; its counts add up at every look. */
const inState = (id: string, ...states: Rollout['state'][]): Promise<Rollout> =>
  until(`rollout ${id} is ${states.join(' or ')}`, async () => {
    const rollout = await rolloutOf(id);
    const { targets, ...counts } = rollout.counts;
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(targets);
    return states.includes(rollout.state) && !rollout.reverting ? rollout : undefined;
  });

const outcome = (id: string, scannerId: string, wanted: RolloutTarget['outcome']): Promise<RolloutTarget> =>
  until(`${scannerId} is ${wanted}`, async () =>
    (await targetsOf(id)).find((target) => target.scannerId === scannerId && target.outcome === wanted),
  );

/** More than one step of planning stores. */
const manyIds = Array.from({ length: 95 }, (_, index) => `nobody-${index}`);

const fsck = async (): Promise<{ code: number | null; text: string }> => {
  const child = spawn(process.execPath, ['scripts/fsck.ts', '--data', stack.dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
};

/** Does what the schedule does each minute. */
const wakeAll = async (): Promise<void> => {
  const { region, accessKeyId, secretAccessKey, lambda } = stack.endpoints;
  const client = new LambdaClient({
    region,
    endpoint: lambda,
    credentials: { accessKeyId, secretAccessKey },
  });
  const { Functions = [] } = await client.send(new ListFunctionsCommand({}));
  const FunctionName = Functions.find(({ FunctionName: name }) =>
    name?.startsWith('WorkersRollout'),
  )?.FunctionName;
  const Payload = Buffer.from(JSON.stringify({ source: 'aws.events' }));
  await client.send(new InvokeCommand({ FunctionName, Payload }));
  client.destroy();
};

const settings = (port: number, accept: 'all' | 'listed' = 'all') => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '127.0.0.1', port }, ipv6: null, accept },
});

/** A Scanner with settings of its own, of which it has said that it runs them. */
const puppet = async (id: string, labels: Record<string, string>, port = 2525): Promise<Puppet> => {
  const one = await startPuppet(stack, id, { labels });
  puppets.push(one);
  await save(stack, id, settings(port));
  await inSync(stack, id);
  return one;
};

const source = async (id: string, entries: string[] = ['192.0.2.1']): Promise<void> => {
  await register(stack, id);
  await call('POST', `/scanners/${id}/access-lists/inbound/entries`, {
    entries: entries.map((value) => ({ value })),
  });
  await save(stack, id, settings(25, 'listed'));
};

const rejected: Answer = { code: 'rejected', message: 'No such list here.', pointer: '/lists/inbound' };

describe('a rollout to Scanners that run', () => {
  const labels = { group: 'real' };
  let plan: Rollout & { targets: { items: RolloutTarget[]; nextCursor?: string } };
  let rolloutId: string;

  beforeAll(async () => {
    await source('real-source');
    for (const id of ['real-1', 'real-2']) {
      scanners.push(startScannerProcess(stack.dir, id));
      await registered(stack, id);
      await call('PATCH', `/scanners/${id}`, { labels });
      await save(stack, id, settings(2500 + scanners.length));
      await inSync(stack, id);
    }
    await call('POST', '/scanners', { scannerId: 'real-disabled', labels, enabled: false });
    await call('POST', '/scanners', { scannerId: 'real-away', labels });
    await call('PATCH', '/scanners/real-source', { labels });
    const bare = await startPuppet(stack, 'real-bare', { labels });
    puppets.push(bare);
    await until('the fleet shows all of them', async () => {
      const answer = await get<{ items: unknown[] }>('/scanners?label=group=real&connected=true');
      return answer.items.length === 3 || undefined;
    });
  });

  it('without a target says why, as a plan and as it is carried out', async () => {
    const nobody = { source: 'real-source', targets: { labels: { group: 'none' } } };
    const reason = 'There is no target: no Scanner has group=none.';

    const dry = await call('POST', '/rollouts?dryRun=true', nobody);
    expect(dry.body).toMatchObject({ dryRun: true, counts: { targets: 0 }, reason });
    const { rolloutId } = (await call('POST', '/rollouts', nobody)).body as { rolloutId: string };
    const ended = await until('the rollout ends', async () => {
      const shown = await get<{ state: string }>(`/rollouts/${rolloutId}`);
      return shown.state === 'completed' ? shown : undefined;
    });
    expect(ended).toMatchObject({ dryRun: false, counts: { targets: 0 }, reason });
    const back = await call('POST', `/rollouts/${rolloutId}/revert?dryRun=true`);
    expect(back).toMatchObject({ status: 202, body: { dryRun: true, reverting: true } });
    expect(await get(`/rollouts/${rolloutId}`)).toEqual(ended);
  });

  it('is planned by a dry run, which lists what would become of each target and changes none', async () => {
    const before = await Promise.all(['real-1', 'real-2', 'real-bare'].map(revisionOf));

    const answer = await call('POST', '/rollouts', {
      source: 'real-source',
      targets: { labels },
      dryRun: true,
    });

    expect(answer.status).toBe(200);
    plan = answer.body as typeof plan;
    expect(plan).toMatchObject({
      state: 'planned',
      dryRun: true,
      source: 'real-source',
      counts: { targets: 6, pending: 2, invalid: 1, skipped: 3, committed: 0 },
    });
    const told = plan.targets.items.map(({ scannerId, outcome: what, reason, changes, errors }) => [
      scannerId,
      what,
      what === 'pending' ? changes : what === 'invalid' ? errors?.map(({ code }) => code) : reason,
    ]);
    expect(Object.fromEntries(told.map(([id, ...rest]) => [id, rest]))).toEqual({
      'real-1': ['pending', 'smtp/inbound/accept; inbound list: 0 to 1 entries, 0 to 1 enabled'],
      'real-2': ['pending', 'smtp/inbound/accept; inbound list: 0 to 1 entries, 0 to 1 enabled'],
      'real-away': ['skipped', 'The Scanner is not connected.'],
      'real-bare': ['invalid', ['REQUIRED']],
      'real-disabled': ['skipped', 'The Scanner is disabled.'],
      'real-source': ['skipped', 'It is the source.'],
    });
    expect(await Promise.all(['real-1', 'real-2', 'real-bare'].map(revisionOf))).toEqual(before);
  });

  it('has its plan paged like targets, and is in no list', async () => {
    const first = await get<{ items: RolloutTarget[]; nextCursor: string }>(
      `/rollouts/${plan.rolloutId}/targets?limit=4`,
    );
    const rest = await targetsOf(plan.rolloutId, `?limit=4&cursor=${encodeURIComponent(first.nextCursor)}`);

    expect([...first.items, ...rest]).toEqual(plan.targets.items);
    const listed = await get<{ items: Rollout[] }>('/rollouts');
    expect(listed.items.map((one) => one.rolloutId)).not.toContain(plan.rolloutId);
    expect(await act(plan.rolloutId, 'halt')).toMatchObject({ status: 409, body: { code: 'ROLLOUT_STATE' } });
  });

  it('brings each of them what is copied and leaves it what is its own', async () => {
    rolloutId = await create({ source: 'real-source', targets: { labels } });
    const done = await inState(rolloutId, 'completed');

    expect(done.counts).toMatchObject({ targets: 6, applied: 2, invalid: 1, skipped: 3, pending: 0 });
    expect(done.finishedAt).toBeDefined();
    for (const [index, scanner] of scanners.entries()) {
      expect(scanner.configuration()).toMatchObject({
        inbound: { accept: 'listed', ipv4: { port: 2501 + index } },
      });
      expect(scanner.list('inbound')).toBe('192.0.2.1\n');
    }
  });

  it('is told of by each revision that it made, and by the audit of the fleet', async () => {
    const { items } = await get<{ items: { operation: string; rolloutId?: string; by: string }[] }>(
      '/scanners/real-1/revisions',
    );
    expect(items[0]).toMatchObject({ operation: 'create-rollout', rolloutId });
    const audit = await get<{ items: { operation: string; rolloutId?: string; subject?: string }[] }>(
      '/audit',
    );
    const told = audit.items.filter((entry) => entry.rolloutId === rolloutId);
    expect(told.map(({ operation }) => operation)).toEqual([
      'create-rollout',
      'create-rollout',
      'create-rollout',
    ]);
    expect(told.some(({ subject }) => subject === rolloutId)).toBe(true);
  });

  it('done again makes no revision, and ends as applied', async () => {
    const before = await Promise.all(['real-1', 'real-2'].map(revisionOf));
    const again = await create({
      source: 'real-source',
      targets: { scannerIds: ['real-2', 'real-1', 'nobody'] },
    });
    await inState(again, 'completed');

    expect(await Promise.all(['real-1', 'real-2'].map(revisionOf))).toEqual(before);
    expect(await targetsOf(again)).toMatchObject([
      { scannerId: 'nobody', outcome: 'skipped', reason: 'There is no Scanner with this id.' },
      {
        scannerId: 'real-1',
        outcome: 'applied',
        fromRevision: before[0],
        toRevision: before[0],
        changes: 'nothing',
      },
      { scannerId: 'real-2', outcome: 'applied', fromRevision: before[1], toRevision: before[1] },
    ]);
  });
});

describe('a staged rollout', () => {
  const labels = { group: 'staged' };
  const ids = ['staged-1', 'staged-2', 'staged-3', 'staged-4', 'staged-5'];
  let own: Puppet[];
  let rolloutId: string;
  let before: number[];

  beforeAll(async () => {
    await source('staged-source', ['192.0.2.7', 'example.com']);
    own = await Promise.all(ids.map((id, index) => puppet(id, labels, 2600 + index)));
    await until('the fleet shows all of them', async () => {
      const answer = await get<{ items: unknown[] }>('/scanners?label=group=staged&connected=true');
      return answer.items.length === ids.length || undefined;
    });
    before = await Promise.all(ids.map(revisionOf));
  });

  it('waits for its canary, and halts when a wave has a target that rejects', async () => {
    await own[0]?.answer(() => 'silence');
    await own[1]?.answer(() => rejected);
    rolloutId = await create({ source: 'staged-source', targets: { labels }, canary: 1, waves: 2 });
    await outcome(rolloutId, 'staged-1', 'committed');
    expect(await targetsOf(rolloutId)).toMatchObject([
      { scannerId: 'staged-1', stage: 0, outcome: 'committed' },
      { scannerId: 'staged-2', stage: 1, outcome: 'pending' },
      { scannerId: 'staged-4', stage: 1, outcome: 'pending' },
      { scannerId: 'staged-3', stage: 2, outcome: 'pending' },
      { scannerId: 'staged-5', stage: 2, outcome: 'pending' },
    ]);

    await own[0]?.answer(() => ({ code: 'applied' }));
    const halted = await inState(rolloutId, 'halted');

    expect(halted.reason).toBe('Halted after 1 failed target.');
    expect(await outcome(rolloutId, 'staged-2', 'failed')).toMatchObject({
      reason: 'No such list here.',
      pointer: '/lists/inbound',
      toRevision: (before[1] ?? 0) + 1,
    });
    expect(await outcomesOf(rolloutId)).toMatchObject({ 'staged-3': 'pending', 'staged-5': 'pending' });
    await outcome(rolloutId, 'staged-4', 'applied');
  });

  it('shows targets by outcome, a page at a time', async () => {
    expect((await targetsOf(rolloutId, '?outcome=pending')).map(({ scannerId }) => scannerId)).toEqual([
      'staged-3',
      'staged-5',
    ]);
    const page = await get<{ items: RolloutTarget[]; nextCursor: string }>(
      `/rollouts/${rolloutId}/targets?outcome=pending&limit=1`,
    );
    expect(page.items).toMatchObject([{ scannerId: 'staged-3' }]);
    const next = await targetsOf(
      rolloutId,
      `?outcome=pending&limit=1&cursor=${encodeURIComponent(page.nextCursor)}`,
    );
    expect(next).toMatchObject([{ scannerId: 'staged-5' }]);
  });

  it('goes on when it is resumed, and completes', async () => {
    expect((await act(rolloutId, 'resume')).status).toBe(202);
    const done = await inState(rolloutId, 'completed');

    expect(done.counts).toMatchObject({ applied: 4, failed: 1, pending: 0 });
    for (const action of ['halt', 'resume', 'cancel'])
      expect(await act(rolloutId, action)).toMatchObject({ status: 409, body: { code: 'ROLLOUT_STATE' } });
  });

  it('is reverted wherever its revision is still the present one', async () => {
    await save(stack, 'staged-4', settings(2700));

    const asked = await act(rolloutId, 'revert');
    expect(asked).toMatchObject({ status: 202, body: { reverting: true } });
    const done = await inState(rolloutId, 'reverted');

    expect(done.counts).toMatchObject({ reverted: 4, overtaken: 1, targets: 5 });
    expect(await outcomesOf(rolloutId)).toMatchObject({ 'staged-2': 'reverted', 'staged-4': 'overtaken' });
    const revision = await get<{
      smtp: object;
      operation: string;
      rolloutId: string;
      lists: { inbound: { entries: number } };
    }>(`/scanners/staged-1/revisions/${(before[0] ?? 0) + 2}`);
    expect(revision).toMatchObject({
      operation: 'revert-rollout',
      rolloutId,
      smtp: { inbound: { accept: 'all', ipv4: { port: 2600 } } },
      lists: { inbound: { entries: 0 } },
    });
    await inSync(stack, 'staged-1');
    expect(await act(rolloutId, 'revert')).toMatchObject({ status: 409, body: { code: 'ROLLOUT_STATE' } });
  });
});

describe('a rollout that is not let to its end', () => {
  const labels = { group: 'ended' };
  const ids = ['ended-1', 'ended-2', 'ended-3'];
  let own: Puppet[];

  beforeAll(async () => {
    await source('ended-source');
    own = await Promise.all(ids.map((id) => puppet(id, labels)));
    await until('the fleet shows all of them', async () => {
      const answer = await get<{ items: unknown[] }>('/scanners?label=group=ended&connected=true');
      return answer.items.length === ids.length || undefined;
    });
  });

  it('lets no wave go after a canary that nobody could have, until a person has seen it', async () => {
    await call('POST', '/scanners', { scannerId: 'canary-source' });
    await save(stack, 'canary-source', settings(25));
    const bare = await startPuppet(stack, 'canary-bare', {});
    puppets.push(bare);
    const second = await puppet('canary-second', {}, 2626);
    await until('the fleet shows both', async () => {
      const { items } = await get<{ items: { scannerId: string }[] }>('/scanners?connected=true&limit=1000');
      const known = items.map(({ scannerId }) => scannerId);
      return (known.includes('canary-bare') && known.includes('canary-second')) || undefined;
    });
    const scannerIds = ['canary-bare', 'canary-second'];
    const id = await create({ source: 'canary-source', targets: { scannerIds }, canary: 1 });

    const halted = await inState(id, 'halted');
    expect(halted).toMatchObject({
      haltReason: 'CanaryNotApplied',
      reason: 'No target of the canary has applied; resume lets the waves go.',
      counts: { invalid: 1, pending: 1 },
    });
    await second.answer(() => ({ code: 'applied' }));
    expect((await act(id, 'resume')).status).toBe(202);
    const done = await inState(id, 'completed');
    const audit = await get<{ items: AuditEntry[] }>('/audit?limit=1000');
    expect(audit.items.filter(({ subject }) => subject === id)).toMatchObject([
      {
        operation: 'resume-rollout',
        before: { state: 'halted', haltReason: 'CanaryNotApplied' },
        after: { state: 'running', stage: 1 },
        counts: { invalid: 1, pending: 1 },
      },
      {
        operation: 'halt-rollout',
        actor: 'control-plane',
        before: { state: 'running' },
        after: { state: 'halted', haltReason: 'CanaryNotApplied', reason: halted.reason, stage: 0 },
        counts: { invalid: 1, pending: 1 },
      },
      { operation: 'create-rollout' },
    ]);
    expect(done).toMatchObject({ counts: { invalid: 1, applied: 1 } });
    expect(done).not.toHaveProperty('haltReason');
  });

  it('is halted by hand, cancelled, and what it has committed still settles', async () => {
    for (const one of own) await one.answer(() => 'silence');
    const id = await create({ source: 'ended-source', targets: { labels }, maxConcurrent: 2 });
    for (const one of ['ended-1', 'ended-2']) await outcome(id, one, 'committed');
    expect((await rolloutOf(id)).counts).toMatchObject({ committed: 2, pending: 1 });

    expect(await act(id, 'halt')).toMatchObject({ status: 202, body: { state: 'halted' } });
    expect(await act(id, 'halt')).toMatchObject({ status: 409, body: { code: 'ROLLOUT_STATE' } });
    await own[0]?.answer(() => ({ code: 'applied' }));
    await outcome(id, 'ended-1', 'applied');
    expect((await rolloutOf(id)).counts).toMatchObject({ committed: 1, pending: 1, applied: 1 });

    expect(await act(id, 'cancel')).toMatchObject({ status: 202, body: { state: 'cancelled' } });
    await outcome(id, 'ended-3', 'skipped');
    await own[1]?.answer(() => ({ code: 'applied' }));
    await outcome(id, 'ended-2', 'applied');
    expect(await rolloutOf(id)).toMatchObject({ state: 'cancelled', counts: { applied: 2, skipped: 1 } });
  });

  it('says so when a newer one or a save overtakes it', async () => {
    await source('ended-source-2', ['198.51.100.1', '198.51.100.2']);
    for (const one of own) await one.answer(() => 'silence');
    const older = await create({ source: 'ended-source-2', targets: { scannerIds: ['ended-1', 'ended-2'] } });
    for (const one of ['ended-1', 'ended-2']) await outcome(older, one, 'committed');
    await save(stack, 'ended-1', settings(2800));
    const waits = await create({
      source: 'ended-source-2',
      targets: { scannerIds: ['ended-2', 'ended-3'] },
      canary: 1,
    });
    await outcome(waits, 'ended-2', 'committed');
    const newer = await create({ source: 'ended-source', targets: { scannerIds: ['ended-2', 'ended-3'] } });
    await outcome(newer, 'ended-3', 'committed');

    expect((await outcome(older, 'ended-1', 'overtaken')).reason).toMatch(/^Revision \d+ was made before/);
    expect((await outcome(older, 'ended-2', 'overtaken')).reason).toMatch(/^Revision \d+ was made before/);
    // Its canary was overtaken: that shows nothing of its configuration.
    expect(await inState(waits, 'halted')).toMatchObject({ haltReason: 'CanaryNotApplied' });
    await act(waits, 'resume');
    expect((await outcome(waits, 'ended-3', 'overtaken')).reason).toBe(
      `The newer rollout ${newer} took this Scanner.`,
    );
    for (const one of own) await one.answer(() => ({ code: 'applied' }));
    await inState(older, 'completed');
    await inState(waits, 'completed');
    expect((await inState(newer, 'completed')).counts).toMatchObject({ targets: 2, applied: 2 });
  });

  it('goes on where it was after everything was killed in the middle', async () => {
    await source('ended-source-3', ['203.0.113.1']);
    const before = await Promise.all(ids.map(revisionOf));
    for (const one of own) await one.answer(() => 'silence');
    const id = await create({ source: 'ended-source-3', targets: { labels }, maxConcurrent: 1 });
    await outcome(id, 'ended-1', 'committed');

    const killedAt = new Date().toISOString();
    await stack.kill9();
    await Promise.all(own.map((one) => one.close()));
    await stack.restart();
    await Promise.all(own.map((one) => one.connect()));
    // Whoever was cut off is seen as gone, and then as back: a turn that comes in between is lost.
    for (const one of ids)
      await until(`${one} is seen as back`, async () => {
        const connected = conditionOf(await sync(stack, one), 'Connected');
        return connected?.status === 'True' && connected.lastTransitionTime > killedAt;
      });
    for (const one of own) await one.answer(() => ({ code: 'applied' }));
    const schedule = setInterval(() => void wakeAll().catch(() => undefined), 1000);
    const done = await inState(id, 'completed').finally(() => clearInterval(schedule));

    expect(done.counts).toMatchObject({ targets: 3, applied: 3 });
    expect(await Promise.all(ids.map(revisionOf))).toEqual(before.map((revision) => revision + 1));
  });
});

describe('when rollouts are over', () => {
  it('the check of table and bucket finds nothing wrong', async () => {
    const { code, text } = await fsck();
    expect({ code, text }).toMatchObject({ code: 0 });
  });
});

describe('a rollout of more targets than one step of planning stores', () => {
  it('is planned whole, and so is its dry run', async () => {
    await register(stack, 'many-source');
    await save(stack, 'many-source', inboundSettings());
    const body = { source: 'many-source', targets: { scannerIds: manyIds } };
    const dry = await call('POST', '/rollouts?dryRun=true', body);
    expect(dry).toMatchObject({ status: 200, body: { counts: { targets: 95, skipped: 95 } } });
    const done = await inState(await create(body), 'completed');
    expect(done.counts).toMatchObject({ targets: 95, skipped: 95 });
  });
});

describe('a request for a rollout', () => {
  const minimal = { source: 'asked-source', targets: { scannerIds: ['asked-1'] } };
  beforeAll(async () => {
    await source('asked-source');
    await register(stack, 'asked-1');
  });

  it.each([
    ['a source without settings', { ...minimal, source: 'asked-1' }, 404, 'SMTP_NOT_CONFIGURED'],
    ['a source that is not there', { ...minimal, source: 'asked-nobody' }, 404, 'NOT_FOUND'],
    ['no targets', { source: 'asked-source', targets: { scannerIds: [] } }, 422, 'VALIDATION_FAILED'],
    ['no labels', { source: 'asked-source', targets: { labels: {} } }, 422, 'VALIDATION_FAILED'],
    ['an unknown section', { ...minimal, sections: ['bindings'] }, 422, 'VALIDATION_FAILED'],
    ['no room', { ...minimal, maxConcurrent: 0 }, 422, 'VALIDATION_FAILED'],
    ['too many waves', { ...minimal, waves: 21 }, 422, 'VALIDATION_FAILED'],
  ])('with %s is refused', async (_, body, status, code) => {
    expect(await call('POST', '/rollouts', body)).toMatchObject({ status, body: { code } });
  });

  it('sent again under its key is one rollout', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await call('POST', '/rollouts', minimal, headers);
    const second = await call('POST', '/rollouts', minimal, headers);

    expect(first.status).toBe(202);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
  });

  it('may say what is copied, which is all but the advanced page unless told', async () => {
    const some = await create({ ...minimal, sections: ['lists.inbound', 'advanced'] });
    expect((await rolloutOf(some)).sections).toEqual(['lists.inbound', 'advanced']);
    const all = await create(minimal);
    expect((await rolloutOf(all)).sections).toHaveLength(9);
  });

  it('is the business of who runs the fleet; everyone who reads may look', async () => {
    const bearer = async (scope: string) => ({ authorization: `Bearer ${await stack.token([scope], 60)}` });
    const id = await create(minimal);

    expect((await call('POST', '/rollouts', minimal, await bearer('scanners/write'))).status).toBe(403);
    expect((await call('POST', `/rollouts/${id}/halt`, {}, await bearer('scanners/write'))).status).toBe(403);
    expect((await call('GET', `/rollouts/${id}`, undefined, await bearer('scanners/read'))).status).toBe(200);
    expect(
      (await call('GET', '/rollouts?limit=1', undefined, await bearer('scanners/read'))).body,
    ).toMatchObject({
      items: [{ rolloutId: id }],
    });
    expect(codeOf(await call('GET', '/rollouts/rollout-000000000000-0000000000000000'))).toBe('NOT_FOUND');
    expect(codeOf(await call('GET', `/rollouts/${id}/targets?cursor=x`))).toBe('CURSOR_INVALID');
  });
});
