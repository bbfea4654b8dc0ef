import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../functions/stores/audit.ts';
import { everyList } from '../../../shared/domain/configuration.ts';
import {
  afterCanary,
  afterFailure,
  newRolloutOf,
  type StoredRollout,
  type StoredTarget,
} from '../../../shared/domain/rollout.ts';
import { newRollout } from '../../../shared/schemas/rollouts.ts';
import { noTls, type SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { keys } from '../../../shared/tables.ts';
import { newId, startServices } from './services.ts';

let end: () => Promise<void>;
let stores: {
  standing: typeof import('../../../functions/stores/standing.ts');
  decommissions: typeof import('../../../functions/stores/decommissions.ts');
  heads: typeof import('../../../functions/stores/heads.ts');
  lists: typeof import('../../../functions/stores/lists.ts');
  scanners: typeof import('../../../functions/stores/scanners.ts');
  status: typeof import('../../../functions/stores/status.ts');
  rollouts: typeof import('../../../functions/stores/rollouts.ts');
  targets: typeof import('../../../functions/stores/rollout-targets.ts');
  counts: typeof import('../../../functions/stores/rollout-counts.ts');
  halts: typeof import('../../../functions/stores/rollout-halts.ts');
  dynamo: typeof import('../../../functions/stores/dynamo.ts');
};
let work: {
  plan: typeof import('../../../functions/common/plan-rollout.ts');
  commit: typeof import('../../../functions/workers/rollout/commit-target.ts');
  revert: typeof import('../../../functions/workers/rollout/revert-target.ts');
  begin: typeof import('../../../functions/api/rollouts/begin.ts');
};

beforeAll(async () => {
  end = await startServices();
  stores = {
    standing: await import('../../../functions/stores/standing.ts'),
    decommissions: await import('../../../functions/stores/decommissions.ts'),
    heads: await import('../../../functions/stores/heads.ts'),
    lists: await import('../../../functions/stores/lists.ts'),
    scanners: await import('../../../functions/stores/scanners.ts'),
    status: await import('../../../functions/stores/status.ts'),
    rollouts: await import('../../../functions/stores/rollouts.ts'),
    targets: await import('../../../functions/stores/rollout-targets.ts'),
    counts: await import('../../../functions/stores/rollout-counts.ts'),
    halts: await import('../../../functions/stores/rollout-halts.ts'),
    dynamo: await import('../../../functions/stores/dynamo.ts'),
  };
  work = {
    plan: await import('../../../functions/common/plan-rollout.ts'),
    commit: await import('../../../functions/workers/rollout/commit-target.ts'),
    revert: await import('../../../functions/workers/rollout/revert-target.ts'),
    begin: await import('../../../functions/api/rollouts/begin.ts'),
  };
});
afterAll(() => end?.());

const at = new Date();
const asked = () => ({ actor: { name: 'me', requestId: newId('r') }, operation: 'put-smtp', at: new Date() });

const settings = (port: number, accept: 'all' | 'listed' = 'all'): SmtpSettings => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.1', port }, ipv6: null, tls: noTls, accept },
});

const save = (scannerId: string, port: number, accept: 'all' | 'listed' = 'all') =>
  stores.heads.changeConfiguration({
    scannerId,
    part: 'smtp',
    ...asked(),
    compute: async ({ configuration }) => ({
      configuration: { ...configuration, smtp: settings(port, accept) },
      result: null,
    }),
  });

/** A Scanner that is connected, with settings: revision 2. */
const scanner = async (scannerId = newId('mx'), epoch = 'e'): Promise<string> => {
  const empty = await stores.lists.writeEmptyList();
  const lists = everyList(empty);
  await stores.scanners.createScanner({ scannerId, labels: {}, enabled: true, epoch }, lists, asked());
  await save(scannerId, 2525);
  const presence = { sessionIdentifier: 's', versionNumber: 1, connected: true, at: at.toISOString() };
  await stores.status.putPresence(scannerId, presence, undefined);
  return scannerId;
};

const decommission = (scannerId: string) =>
  stores.decommissions.decommissionScanner(scannerId, { ...asked(), dryRun: false, ifMatch: undefined });

/** The id of a Scanner gets its next registration, with settings again. */
const registerAgain = async (scannerId: string): Promise<string> => {
  await decommission(scannerId);
  const clearing = { scannerId, token: 'own', until: Date.now() + 60_000 };
  await stores.decommissions.beginClearing(clearing, new Date());
  const record = await stores.scanners.getScanner(scannerId);
  expect(await stores.decommissions.endClearing(clearing, record, new Date())).toBe(true);
  return scanner(scannerId, 'next');
};

/** A Scanner with a list, to be copied. */
const source = async (): Promise<string> => {
  const scannerId = await scanner();
  const entry = { value: '192.0.2.9', kind: 'ipv4' as const, enabled: true };
  const inbound = await stores.lists.writeList(stores.lists.build([entry]));
  await stores.heads.changeConfiguration({
    scannerId,
    part: 'all',
    ...asked(),
    compute: async ({ configuration }) => ({
      configuration: {
        ...configuration,
        smtp: settings(25, 'listed'),
        lists: { ...configuration.lists, inbound },
      },
      result: null,
    }),
  });
  return scannerId;
};

/** A rollout to these targets, planned. */
const planned = async (targets: string[], more: object = {}): Promise<StoredRollout> => {
  const request = newRollout.parse({ source: await source(), targets: { scannerIds: targets }, ...more });
  const now = new Date();
  const by = { at: now.toISOString(), by: 'me', requestId: newId('r'), dryRun: false, acknowledge: [] };
  const rolloutId = work.begin.newRolloutId(now);
  await work.begin.began(request, { rolloutId, ...by }, 'create-rollout', () => []);
  while ((await stores.rollouts.getRollout(rolloutId)).plannedAt === undefined)
    await work.plan.planStep(await stores.rollouts.getRollout(rolloutId), now);
  return stores.rollouts.getRollout(rolloutId);
};

const revisionOf = async (scannerId: string) => (await stores.heads.readHead(scannerId)).revision;
const target = async ({ rolloutId }: StoredRollout, scannerId: string): Promise<StoredTarget> => {
  const { items } = await stores.targets.listTargets(rolloutId, { limit: 1000 });
  const found = items.find((one) => one.scannerId === scannerId);
  if (!found) throw new Error(scannerId);
  return found;
};
const waiting = (scannerId: string) => ({ scannerId, stage: 1 });
const fresh = ({ rolloutId }: StoredRollout) => stores.rollouts.getRollout(rolloutId);
const countsOf = ({ rolloutId }: StoredRollout) => stores.rollouts.readCounts(rolloutId);
/** What the audit has of a rollout, newest first. */
const auditOf = async ({ rolloutId }: StoredRollout): Promise<AuditEntry[]> => {
  const page = { limit: 10, newestFirst: true };
  const { items } = await stores.dynamo.queryItems<AuditEntry>(
    keys.ofRollout(rolloutId),
    keys.auditPrefix,
    page,
  );
  return items;
};
const commit = (rollout: StoredRollout, scannerId: string, slot = 0, part = slot) =>
  work.commit.commitTarget(rollout, waiting(scannerId), { slot, part }, new Date());
const unfinishedOf = ({ rolloutId }: StoredRollout) => stores.targets.readUnfinished(rolloutId);
const halt = (rollout: StoredRollout) =>
  stores.rollouts.moveRollout(
    rollout.rolloutId,
    { ...asked(), dryRun: false },
    ({ version }) => ({ state: 'halted', version: version + 1 }),
    () => [],
  );

describe('planning', () => {
  it('stores each target once, whoever plans at the same time', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => scanner()));
    const nobody = newId('nobody');
    const request = newRollout.parse({ source: await source(), targets: { scannerIds: [...ids, nobody] } });
    const by = { at: at.toISOString(), by: 'me', requestId: 'r', dryRun: false, acknowledge: [] };
    const rolloutId = work.begin.newRolloutId(new Date());
    const made = await work.begin.began(request, { rolloutId, ...by }, 'create-rollout', () => []);

    const done = await Promise.all([1, 2, 3].map(() => work.plan.planStep(made, at)));

    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await countsOf(made)).toMatchObject({ targets: 4, pending: 3, skipped: 1 });
    expect(await stores.targets.readWaiting(rolloutId, 10)).toHaveLength(3);
    expect(await target(made, nobody)).toMatchObject({ outcome: 'skipped' });
  });

  it('is of the source at the revision that is its head when the rollout is stored', async () => {
    const from = await source();
    const request = newRollout.parse({ source: from, targets: 'all' });
    const head = await stores.heads.readHead(from);
    const by = { rolloutId: work.begin.newRolloutId(at), at: at.toISOString(), by: 'me', requestId: 'r' };
    const stale = newRolloutOf(request, head, { ...by, dryRun: false, acknowledge: [] });
    await save(from, 26);

    expect(await stores.rollouts.beginRollout(stale, head, asked(), [])).toBe(false);
    expect(await stores.rollouts.findRollout(by.rolloutId)).toBeUndefined();
    const made = await work.begin.began(
      request,
      { ...by, dryRun: false, acknowledge: [] },
      'create-rollout',
      () => [],
    );
    expect(made.sourceRevision).toBe(head.revision + 1);
  });

  it('is of no source that is decommissioned, asked for in earnest or dry', async () => {
    const from = await source();
    await decommission(from);
    const request = newRollout.parse({ source: from, targets: 'all' });
    const by = { at: at.toISOString(), by: 'me', requestId: 'r', acknowledge: [] };
    for (const dryRun of [false, true]) {
      const one = { ...by, rolloutId: work.begin.newRolloutId(at), dryRun };
      await expect(work.begin.began(request, one, 'create-rollout', () => [])).rejects.toMatchObject({
        code: 'SCANNER_DECOMMISSIONED',
      });
    }
  });
});

describe('the turn of a target', () => {
  it('makes one revision, whoever tries at the same time', async () => {
    const id = await scanner();
    const rollout = await planned([id]);

    await Promise.all([0, 1, 2, 3].map((slot) => commit(rollout, id, slot)));

    expect(await revisionOf(id)).toBe(3);
    expect(await target(rollout, id)).toMatchObject({ outcome: 'committed', fromRevision: 2, toRevision: 3 });
    expect(await unfinishedOf(rollout)).toMatchObject([{ scannerId: id, toRevision: 3 }]);
    expect(await countsOf(rollout)).toMatchObject({ targets: 1, pending: 0, committed: 1 });
    const { configuration } = await stores.heads.readHead(id);
    expect(configuration.smtp?.inbound).toMatchObject({ ipv4: { port: 2525 }, accept: 'listed' });
    expect(configuration.lists.inbound.entries).toBe(1);
    expect(await stores.heads.readRevision(id, 3)).toMatchObject({
      operation: 'create-rollout',
      rolloutId: rollout.rolloutId,
    });
    expect(await commit(rollout, id, 5)).toBe(false);
  });

  it('makes none where the target has it all already', async () => {
    const id = await scanner();
    await commit(await planned([id], { sections: ['inbound', 'lists.inbound'] }), id);
    const again = await planned([id], { sections: ['inbound', 'lists.inbound'] });

    expect(await commit(again, id)).toBe(true);

    expect(await target(again, id)).toMatchObject({ outcome: 'committed', fromRevision: 3, toRevision: 3 });
    expect(await revisionOf(id)).toBe(3);
  });

  it('does not come while the rollout is halted, nor in a place that is taken', async () => {
    const [one, other] = [await scanner(), await scanner()];
    const rollout = await planned([one, other]);
    await commit(rollout, one, 0);
    expect(await commit(rollout, other, 0, 1)).toBe(false);
    await halt(rollout);
    expect(await commit(rollout, other, 1)).toBe(false);
    expect(await commit(await fresh(rollout), other, 1)).toBe(false);
    expect([await revisionOf(one), await revisionOf(other)]).toEqual([3, 2]);
    expect(await countsOf(rollout)).toMatchObject({ pending: 1, committed: 1 });
  });

  it('is lost to a newer rollout, and to whatever it cannot have', async () => {
    const [taken, invalid, off] = [await scanner(), await scanner(), await scanner()];
    const rollout = await planned([taken, invalid, off]);
    const newer = await planned([taken]);
    await commit(newer, taken);
    await stores.heads.changeConfiguration({
      scannerId: invalid,
      part: 'smtp',
      ...asked(),
      compute: async ({ configuration }) => ({
        configuration: { ...configuration, smtp: null },
        result: null,
      }),
    });
    const change = { ...asked(), dryRun: false, ifMatch: undefined };
    await stores.scanners.changeScanner(off, change, () => ({ labels: {}, enabled: false }));

    for (const id of [taken, invalid, off]) expect(await commit(rollout, id)).toBe(true);

    expect(await target(rollout, taken)).toMatchObject({
      outcome: 'overtaken',
      reason: `The newer rollout ${newer.rolloutId} took this Scanner.`,
    });
    expect(await target(rollout, invalid)).toMatchObject({
      outcome: 'invalid',
      errors: [{ pointer: '/inbound/ipv4', code: 'REQUIRED' }],
    });
    expect(await target(rollout, off)).toMatchObject({
      outcome: 'skipped',
      reason: 'The Scanner is disabled.',
    });
    expect(await countsOf(rollout)).toMatchObject({ targets: 3, skipped: 1, overtaken: 1, invalid: 1 });
  });
});

describe('a target that cannot have its configuration', () => {
  const unfit = async (): Promise<string> => {
    const id = await scanner();
    await stores.heads.changeConfiguration({
      scannerId: id,
      part: 'smtp',
      ...asked(),
      compute: async ({ configuration }) => ({
        configuration: { ...configuration, smtp: null },
        result: null,
      }),
    });
    return id;
  };

  it('is invalid once, whoever tries at the same time', async () => {
    const id = await unfit();
    const rollout = await planned([id]);

    const done = await Promise.all([0, 1, 2, 3].map((slot) => commit(rollout, id, slot)));

    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await countsOf(rollout)).toMatchObject({ targets: 1, invalid: 1, pending: 0 });
    expect(await unfinishedOf(rollout)).toEqual([]);
  });

  it('waits on where its rollout was halted meanwhile, as one that takes no part does', async () => {
    const [invalid, off] = [await unfit(), await scanner()];
    const rollout = await planned([invalid, off]);
    const change = { ...asked(), dryRun: false, ifMatch: undefined };
    await stores.scanners.changeScanner(off, change, () => ({ labels: {}, enabled: false }));
    await halt(rollout);

    for (const id of [invalid, off]) expect(await commit(rollout, id)).toBe(false);

    expect(await countsOf(rollout)).toMatchObject({ targets: 2, pending: 2 });
    const skip = { reason: 'Cancelled.', at };
    expect(await stores.targets.storeSkipped(rollout, waiting(invalid), 0, skip)).toBe(true);
    expect(await countsOf(rollout)).toMatchObject({ pending: 1, skipped: 1 });
  });

  it('is told of the registration that was planned for, and of no later one, by any of two workers', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    await registerAgain(id);
    const { configuration } = await stores.heads.readHead(id);
    const end = { outcome: 'invalid' as const, reason: '1 problem; see errors.', errors: [], at };
    const judged = (part: number) =>
      stores.heads.changeConfiguration({
        scannerId: id,
        part: 'all',
        ...asked(),
        compute: async () => ({
          configuration,
          settle: stores.targets.invalidItems(rollout, { ...waiting(id), epoch: 'e' }, part, end),
          result: null,
        }),
      });

    const outcomes = await Promise.allSettled([judged(0), judged(1)]);

    expect(outcomes).toMatchObject([1, 2].map(() => ({ reason: { code: 'SUPERSEDED' } })));
    expect(await countsOf(rollout)).toMatchObject({ targets: 1, pending: 1, invalid: 0 });
    const fault = { reason: 'Something went wrong.', at };
    const planFor = { ...waiting(id), epoch: 'e' };
    expect(await stores.targets.storeFault(rollout, planFor, 0, fault, { failures: 1 })).toBe(false);
  });
});

describe('a canary of which none applied', () => {
  it('halts its rollout and shuts its gates, once', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    const after = afterCanary(rollout);

    const at = new Date();
    const halt = { at, stage: 0 };
    const done = await Promise.all([1, 2].map(() => stores.halts.haltRollout(rollout, after, halt)));

    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await auditOf(rollout)).toMatchObject([
      {
        actor: 'control-plane',
        operation: 'halt-rollout',
        at: at.toISOString(),
        requestId: rollout.requestId,
        subject: rollout.rolloutId,
        rolloutId: rollout.rolloutId,
        before: { state: 'running' },
        after: {
          state: 'halted',
          haltReason: 'CanaryNotApplied',
          reason: 'No target of the canary has applied; resume lets the waves go.',
          stage: 0,
        },
        counts: { targets: 1, pending: 1 },
      },
      { operation: 'create-rollout', actor: 'me' },
    ]);
    expect(await fresh(rollout)).toMatchObject({ state: 'halted', haltReason: 'CanaryNotApplied' });
    expect(await commit(rollout, id)).toBe(false);
    expect(await stores.rollouts.findWork(rollout.rolloutId)).toBeDefined();
  });
});

describe('a target whose id is registered again', () => {
  it.each([
    ['named', (id: string) => ({ scannerIds: [id] })],
    ['found by its labels', (id: string) => ({ labels: { own: id } })],
  ])('is left alone: %s', async (_, targets) => {
    const id = await scanner();
    const change = { ...asked(), dryRun: false, ifMatch: undefined };
    await stores.scanners.changeScanner(id, change, () => ({ labels: { own: id }, enabled: true }));
    await stores.standing.refreshStanding(id);
    const rollout = await planned([], { targets: targets(id) });
    const [planFor] = await stores.targets.readWaiting(rollout.rolloutId, 1);
    await registerAgain(id);
    const revision = await revisionOf(id);

    expect(await work.commit.commitTarget(rollout, planFor as never, { slot: 0, part: 0 }, at)).toBe(true);

    expect(await revisionOf(id)).toBe(revision);
    expect(await target(rollout, id)).toMatchObject({
      outcome: 'skipped',
      reason: 'The Scanner was registered again after the rollout was planned.',
    });
  });

  it('is not committed either where that comes between the look at it and its commit', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    await registerAgain(id);
    const head = await stores.heads.readHead(id);
    const made = { fromRevision: head.revision, toRevision: head.revision, changes: 'nothing', at };
    const items = stores.targets.committedItems(
      rollout,
      { ...waiting(id), epoch: 'e' },
      { slot: 0, part: 0 },
      made,
    );
    const change = { scannerId: id, part: 'all' as const, ...asked() };
    const compute = async () => ({ configuration: head.configuration, settle: items, result: null });

    await expect(stores.heads.changeConfiguration({ ...change, compute })).rejects.toMatchObject({
      code: 'SUPERSEDED',
    });
  });

  it('is free for any rollout, whichever took its earlier registration', async () => {
    const id = await scanner();
    await commit(await planned([id]), id);
    await registerAgain(id);

    expect(await stores.targets.readClaim(id)).toBeUndefined();
  });
});

describe('the end of a target', () => {
  it('frees its place, once', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    await commit(rollout, id);
    const [unfinished] = await unfinishedOf(rollout);
    const finish = () =>
      stores.targets.storeEnding({ rollout, part: 1, at }, unfinished as never, { outcome: 'applied' });

    expect((await Promise.all([finish(), finish()])).filter(Boolean)).toHaveLength(1);
    expect(await unfinishedOf(rollout)).toEqual([]);
    expect(await target(rollout, id)).toMatchObject({ outcome: 'applied' });
    expect(await target(rollout, id)).not.toHaveProperty('slot');
    expect(await countsOf(rollout)).toMatchObject({ targets: 1, applied: 1, committed: 0 });
  });

  it('that is one failure too many halts the rollout in the same transaction', async () => {
    const [one, other] = [await scanner(), await scanner()];
    const rollout = await planned([one, other]);
    await commit(rollout, one);
    const [unfinished] = await unfinishedOf(rollout);
    const ending = { outcome: 'failed' as const, reason: 'no' };
    const [after, at] = [afterFailure(rollout), new Date()];
    const end = () =>
      stores.targets.storeEnding({ rollout, part: 0, at }, unfinished as never, ending, after);

    expect((await Promise.all([end(), end()])).filter(Boolean)).toHaveLength(1);

    expect(await fresh(rollout)).toMatchObject({ state: 'halted', failures: 1 });
    expect(await commit(rollout, other)).toBe(false);
    const counts = await countsOf(rollout);
    expect(counts).toMatchObject({ failed: 1, pending: 1, committed: 0 });
    const [told, ...before] = await auditOf(rollout);
    expect(told).toMatchObject({
      actor: 'control-plane',
      operation: 'halt-rollout',
      after: {
        haltReason: 'TargetsFailed',
        reason: 'Halted after 1 failed target.',
        stage: 1,
        scannerId: one,
      },
    });
    expect(told?.counts).toEqual(counts);
    expect(before.map(({ operation }) => operation)).toEqual(['create-rollout']);
  });

  it('that is no failure too many is in no audit', async () => {
    const [one, other] = [await scanner(), await scanner()];
    const rollout = await planned([one, other], { abortAfterFailures: 2 });
    await commit(rollout, one);
    const [unfinished] = await unfinishedOf(rollout);
    const ending = { outcome: 'failed' as const, reason: 'no' };
    const ended = { rollout, part: 0, at };

    expect(await stores.targets.storeEnding(ended, unfinished as never, ending, afterFailure(rollout))).toBe(
      true,
    );

    expect(await fresh(rollout)).toMatchObject({ state: 'running', failures: 1 });
    expect((await auditOf(rollout)).map(({ operation }) => operation)).toEqual(['create-rollout']);
  });

  it('that went wrong at its turn halts the rollout likewise', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    const fault = { reason: 'Something went wrong.', at: new Date() };

    expect(await stores.targets.storeFault(rollout, waiting(id), 0, fault, afterFailure(rollout))).toBe(true);

    expect((await auditOf(rollout))[0]).toMatchObject({
      operation: 'halt-rollout',
      after: { haltReason: 'TargetsFailed', scannerId: id },
      counts: { targets: 1, failed: 1, pending: 0 },
    });
  });
});

describe('taking a rollout back', () => {
  const reverting = async (rollout: StoredRollout) => {
    const reversal = { at: at.toISOString(), by: 'me', requestId: newId('r'), acknowledge: [] };
    const move = ({ version }: StoredRollout) => ({
      reversal,
      state: 'halted' as const,
      version: version + 1,
    });
    const moved = await stores.rollouts.moveRollout(
      rollout.rolloutId,
      { ...asked(), dryRun: false },
      move,
      () => [],
    );
    return { ...moved.rollout, reversal };
  };

  it('gives back what was there, once, and frees the place', async () => {
    const id = await scanner();
    const rollout = await planned([id]);
    await commit(rollout, id);
    const back = await reverting(rollout);
    const one = await target(rollout, id);

    await Promise.all([0, 1, 2].map((part) => work.revert.revertTarget(back, one, part, new Date())));

    expect(await revisionOf(id)).toBe(4);
    expect((await stores.heads.readHead(id)).configuration).toEqual(
      (await stores.heads.readRevision(id, 2)).configuration,
    );
    expect(await target(rollout, id)).toMatchObject({ outcome: 'reverted', revertRevision: 4 });
    expect(await unfinishedOf(rollout)).toEqual([]);
    expect(await countsOf(rollout)).toMatchObject({ targets: 1, reverted: 1, committed: 0 });
  });

  it('leaves what was changed since, and what a newer rollout took', async () => {
    const [saved, taken] = [await scanner(), await scanner()];
    const rollout = await planned([saved, taken]);
    await commit(rollout, saved, 0);
    await commit(rollout, taken, 1);
    await save(saved, 2600);
    await commit(await planned([taken]), taken);
    const back = await reverting(rollout);

    for (const id of [saved, taken])
      expect(await work.revert.revertTarget(back, await target(rollout, id), 0, new Date())).toBe(true);

    expect(await target(rollout, saved)).toMatchObject({ outcome: 'overtaken' });
    expect(await target(rollout, taken)).toMatchObject({ outcome: 'overtaken' });
    expect(await revisionOf(saved)).toBe(4);
    expect(await unfinishedOf(rollout)).toEqual([]);
  });
});

describe('what a person asks of a rollout', () => {
  it('is done however often commits in flight come first', async () => {
    const rollout = await planned([await scanner()]);
    let tries = 0;
    const halted = await stores.rollouts.moveRollout(
      rollout.rolloutId,
      { ...asked(), dryRun: false },
      (present) => {
        tries += 1;
        const { version } = present;
        // The first tries are decided on what is not there any more.
        if (tries <= 15) present.version = 0;
        return { state: 'halted', version: version + 1 };
      },
      () => [],
    );

    expect(halted.rollout).toMatchObject({ state: 'halted', version: 2 });
    expect(await fresh(rollout)).toMatchObject({ state: 'halted', version: 2 });
  });
});

describe('the work on a rollout', () => {
  it('is one process’s until it is not heard of for a while', async () => {
    const rollout = await planned([await scanner()]);
    const { takeLease, leaveLease, leaseMs } = stores.rollouts;
    const later = new Date(at.getTime() + leaseMs + 1);

    expect(await takeLease(rollout.rolloutId, 'a', at)).toBe(true);
    expect(await takeLease(rollout.rolloutId, 'b', at)).toBe(false);
    expect(await takeLease(rollout.rolloutId, 'a', at)).toBe(true);
    expect(await takeLease(rollout.rolloutId, 'b', later)).toBe(true);
    expect(await leaveLease(rollout.rolloutId, 'a')).toBe(false);
    expect(await leaveLease(rollout.rolloutId, 'b')).toBe(true);
    expect(await takeLease(rollout.rolloutId, 'a', at)).toBe(true);
  });

  it('ends with the rollout, unless that has changed; then nobody finds it any more', async () => {
    const rollout = await planned([await scanner()]);
    const { finishRollout, listOpenRollouts, takeLease } = stores.rollouts;
    const open = async () =>
      (await listOpenRollouts({ limit: 1000 })).items.some(
        ({ rolloutId }) => rolloutId === rollout.rolloutId,
      );
    expect(await open()).toBe(true);
    await halt(rollout);

    expect(await finishRollout(rollout, 'completed', at)).toBe(false);
    expect(await finishRollout(await fresh(rollout), 'halted', at)).toBe(true);

    await expect.poll(open, { timeout: 60_000 }).toBe(false);
    expect(await takeLease(rollout.rolloutId, 'a', at)).toBe(false);
    expect(await fresh(rollout)).toMatchObject({ state: 'halted' });
    expect(await fresh(rollout)).not.toHaveProperty('finishedAt');
  });
});

describe('counts that are lost', () => {
  const lose = async ({ rolloutId }: StoredRollout, ...sks: string[]) => {
    const { tableName, transact } = stores.dynamo;
    const pk = keys.ofRollout(rolloutId);
    await transact(sks.map((sk) => ({ Delete: { TableName: tableName(), Key: { pk, sk } } })));
  };
  const settle = ({ rolloutId }: StoredRollout, dryRun = false) =>
    stores.counts.settleCounts(rolloutId, { now: new Date(), dryRun });

  it('are made of what the targets have come to, and commits go on through the gate of then', async () => {
    const [first, second] = await Promise.all([scanner(), scanner()]);
    const rollout = await planned([first, second]);
    await commit(rollout, first);
    const lost = [0, 1, 5].map(keys.progress);
    await lose(rollout, ...lost);

    expect(await settle(rollout, true)).toBe(3);
    expect(await settle(rollout)).toBe(3);

    expect(await countsOf(rollout)).toMatchObject({ targets: 2, pending: 1, committed: 1 });
    expect(await commit(rollout, second, 1)).toBe(true);
    expect(await countsOf(rollout)).toMatchObject({ targets: 2, pending: 0, committed: 2 });
    expect(await settle(rollout)).toBe(0);
  });

  it('follow the targets also where it is those that are others', async () => {
    const [first, second] = await Promise.all([scanner(), scanner()]);
    const rollout = await planned([first, second]);
    await lose(rollout, keys.target(1, second));

    expect(await settle(rollout)).toBe(1);

    expect(await countsOf(rollout)).toMatchObject({ targets: 1, pending: 1 });
  });

  it('are right whatever is committed meanwhile', async () => {
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => scanner()));
    const rollout = await planned(ids);
    await lose(rollout, keys.progress(0));

    const [, ...done] = await Promise.all([
      settle(rollout),
      ...ids.map((id, index) => commit(rollout, id, index, index + 1)),
    ]);
    await settle(rollout);

    const committed = done.filter(Boolean).length;
    expect(await countsOf(rollout)).toMatchObject({ targets: 5, pending: 5 - committed, committed });
  });

  it('of a rollout past its time to live are left, and so are those of none', async () => {
    const rollout = await planned([await scanner()]);
    const { tableName, transact } = stores.dynamo;
    await lose(rollout, keys.progress(0));
    await transact([
      {
        Update: {
          TableName: tableName(),
          Key: { pk: keys.ofRollout(rollout.rolloutId), sk: keys.rollout },
          UpdateExpression: 'SET expiresAt = :past',
          ExpressionAttributeValues: { ':past': 1 },
        },
      },
    ]);

    expect(await settle(rollout)).toBe(0);
    expect(await settle({ ...rollout, rolloutId: newId('none') })).toBe(0);
  });
});
