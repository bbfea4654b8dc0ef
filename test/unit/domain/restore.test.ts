import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Configuration,
  firstHead,
  type Head,
  nextHead,
  reopenedHead,
} from '../../../shared/domain/configuration.ts';
import { judgeHistory } from '../../../shared/domain/fsck.ts';
import {
  type Facts,
  type Item,
  judgeMissing,
  type Known,
  kindOf,
  mendHistory,
  type RevisionAudit,
  type StoredRevision,
} from '../../../shared/domain/restore.ts';
import { keys, sortKeys } from '../../../shared/tables.ts';

const now = new Date('2026-11-25T05:00:00.000Z');
const scannerId = 'mx1';
const ofScanner = { pk: keys.ofScanner(scannerId) };
const day = 86_400;
const seconds = now.getTime() / 1000;

describe('what becomes of an item that the live table lacks', () => {
  it.each<[string, Item, Partial<Facts>, string]>([
    ['of a kind that nobody knows', { pk: 'new#1', sk: 'new' }, {}, 'put'],
    [
      'past its time to live',
      { pk: 'answer#1', sk: 'answer', expiresAt: seconds },
      {},
      'past its time to live',
    ],
    ['not yet past it', { pk: 'answer#1', sk: 'answer', expiresAt: seconds + 1 }, {}, 'put'],
    [
      'a registration of an id that was registered again',
      { ...ofScanner, sk: sortKeys.scanner, createdAt: '2026-01-01' },
      { head: { registration: { at: '2026-02-01', revision: 5 } } },
      'of an earlier registration of the id',
    ],
    [
      'what was seen of a Scanner that was cleared away',
      { ...ofScanner, sk: sortKeys.report, epoch: 'a' },
      { registration: { epoch: 'a', clearedAt: '2026-02-01' } },
      'of a Scanner that was cleared away',
    ],
    [
      'what was seen of an earlier registration',
      { ...ofScanner, sk: keys.reported(3), epoch: 'a' },
      { registration: { epoch: 'b' } },
      'of an earlier registration of the id',
    ],
    [
      'what was seen of a Scanner',
      { ...ofScanner, sk: sortKeys.report },
      { registration: { epoch: 'b' } },
      'put',
    ],
    [
      'a certificate that was deleted since',
      { pk: 'artifact#c', sk: 'artifact' },
      { deleted: true },
      'deleted since',
    ],
    ['a certificate', { pk: 'artifact#c', sk: 'artifact' }, { deleted: false }, 'put'],
    [
      'a text that is named again',
      { pk: 'artifact#c', sk: 'object#d', digest: 'd' },
      { record: { digest: 'd' }, objectIsThere: true },
      'named again since',
    ],
    [
      'a text whose object is gone',
      { pk: 'artifact#c', sk: 'object#d', digest: 'd' },
      { objectIsThere: false },
      'its object is gone',
    ],
    ['a target that still waits', { pk: 'rollout#r', sk: 'waiting#00#m' }, { outcome: 'pending' }, 'put'],
    [
      'a target that was applied since',
      { pk: 'rollout#r', sk: 'waiting#00#m' },
      { outcome: 'applied' },
      'its target has gone on since',
    ],
    [
      'the work of a rollout that ended',
      { pk: 'rollout#r', sk: 'work' },
      { state: 'completed' },
      'its rollout has ended',
    ],
  ])('%s', (_, item, facts, expected) => {
    const judged = judgeMissing(item, { now, ...facts });
    expect('put' in judged ? 'put' : judged.leave).toBe(expected);
  });

  it.each<[string, Item, Partial<Facts>, object]>([
    [
      'an import under way is cancelled',
      { pk: 'import#1', sk: 'import', state: 'processing' },
      {},
      { state: 'cancelled', finishedAt: now.toISOString() },
    ],
    [
      'an import that ended is what it was',
      { pk: 'import#1', sk: 'import', state: 'failed' },
      {},
      { state: 'failed' },
    ],
    [
      'a rollout that ran is halted',
      { pk: 'rollout#r', sk: 'rollout', state: 'running', version: 4 },
      {},
      { state: 'halted', version: 5 },
    ],
    [
      'a rollout that was being planned is cancelled',
      { pk: 'rollout#r', sk: 'rollout', state: 'planned', version: 1 },
      {},
      { state: 'cancelled', version: 2 },
    ],
    [
      'a revision that was superseded since ends when that says',
      { ...ofScanner, sk: keys.revision(3), revision: 3 },
      { expiresAt: seconds + day },
      { expiresAt: seconds + day },
    ],
    [
      'a registration whose head was retired since is out of service',
      { ...ofScanner, sk: sortKeys.scanner, listPk: keys.listedScanners },
      { head: { decommissionedAt: '2026-02-01' } },
      { decommissionedAt: '2026-02-01', listPk: keys.listedDecommissioned },
    ],
  ])('%s', (_, item, facts, expected) => {
    expect(judgeMissing(item, { now, ...facts })).toMatchObject({ put: { ...item, ...expected } });
  });

  it.each([
    [{ ...ofScanner, sk: sortKeys.head }, 'make'],
    [{ ...ofScanner, sk: sortKeys.due }, 'make'],
    [{ ...ofScanner, sk: sortKeys.clearing }, 'leave'],
    [{ pk: 'artifact#c', sk: keys.user('mx1') }, 'make'],
    [{ pk: keys.ofRollout('r'), sk: keys.progress(0) }, 'make'],
    [{ pk: keys.ofSweep, sk: keys.sweep }, 'leave'],
    [{ pk: keys.ofPace('shadow'), sk: keys.pace }, 'leave'],
  ])('of %o is to %s', (item, rule) => {
    expect(kindOf(item).rule).toBe(rule);
  });
});

const rootOf = (number: number) => number.toString(16).padStart(64, '0');
const listsOf = (number: number): Configuration['lists'] => {
  const reference = { root: rootOf(0), entries: 0, enabled: 0 };
  return {
    inbound: { root: rootOf(number), entries: number, enabled: number },
    outbound: reference,
    authentication: reference,
    'local-delivery': reference,
    relay: reference,
  };
};
const timeOf = (revision: number) => new Date(now.getTime() - (100 - revision) * 60_000).toISOString();

interface History {
  heads: Head[];
  revisions: StoredRevision[];
  audits: RevisionAudit[];
}

/** A history as writes make it: each revision changes a list. */
const historyOf = (length: number): History => {
  const heads: Head[] = [firstHead(scannerId, listsOf(1), 'me', timeOf(1))];
  for (let revision = 2; revision <= length; revision++) {
    const [last] = heads.slice(-1) as [Head];
    heads.push(nextHead(last, { ...last.configuration, lists: listsOf(revision) }, 'me', timeOf(revision)));
  }
  const origin = (revision: number) => ({ at: timeOf(revision), by: 'me', operation: 'add-entries' });
  return {
    heads,
    revisions: heads.map((head) => ({ ...head, ...origin(head.revision), summary: 'x' })),
    audits: heads.map(({ revision, configuration }) => ({
      revision,
      at: timeOf(revision),
      actor: 'me',
      operation: 'add-entries',
      after: configuration,
    })),
  };
};

const known = (more: Partial<Known>): Known => ({
  scannerId,
  head: undefined,
  revisions: [],
  audits: [],
  spokenOf: 0,
  now,
  expiryOf: () => undefined,
  ...more,
});

/** The same with settings that may be anything. */
const withSettings = <T extends Head>(head: T | undefined, smtp: unknown): T => {
  if (!head) throw new Error('there is no such head');
  return { ...head, configuration: { ...head.configuration, smtp } } as T;
};

describe('the history of a Scanner', () => {
  const { heads, revisions, audits } = historyOf(5);
  const nonsense = { mailFiltering: 'nonsense' };

  it('that is whole is left alone', () => {
    const mended = mendHistory(known({ head: heads[4], revisions, audits }));
    expect(mended).toEqual({ revisions: [], head: null, made: null });
  });

  it.each([
    ['missing', undefined],
    ['unreadable', { nonsense: true }],
    ['of settings that are none', withSettings(heads[4], { mailFiltering: 'nonsense' })],
    ['without the time of its last change', { ...heads[4], updatedAt: undefined }],
    ['without a list', { ...heads[4], configuration: { ...heads[4]?.configuration, lists: {} } }],
    ['behind its revisions', heads[2]],
  ])('with a head that is %s gets that of its newest revision', (_, head) => {
    expect(mendHistory(known({ head, revisions, audits }))).toEqual({
      revisions: [],
      head: heads[4],
      made: null,
    });
  });

  it('is told by its audit where revisions are missing, as they were', () => {
    const mended = mendHistory(known({ head: heads[4], revisions: revisions.slice(0, 2), audits }));
    expect(mended?.head).toBeNull();
    expect(mended?.revisions.map(({ summary: _, ...revision }) => revision)).toEqual(
      revisions.slice(2).map(({ summary: _, ...revision }) => revision),
    );
  });

  it('begins a new revision beyond a number of which nothing else is known', () => {
    const mended = mendHistory(known({ revisions: revisions.slice(0, 3), spokenOf: 7 }));
    expect(mended).toMatchObject({
      revisions: [],
      head: { revision: 8, configuration: heads[2]?.configuration },
      made: { revision: 8, operation: 'restore-backup' },
    });
  });

  it('has no head that is a revision which cannot be read: its audit tells what that was', () => {
    const damaged = [...revisions.slice(0, 4), withSettings(revisions[4], nonsense)];
    const mended = { revisions: [], head: heads[4], made: null };
    expect(mendHistory(known({ revisions: damaged, audits }))).toEqual(mended);
    expect(mendHistory(known({ revisions: damaged, audits, head: heads[4] }))?.head).toBeNull();
  });

  it('goes on beyond a revision that cannot be read where its audit cannot be either', () => {
    const [last] = audits.slice(-1) as [RevisionAudit];
    const mended = mendHistory(
      known({
        head: withSettings(heads[4], nonsense),
        revisions: [...revisions.slice(0, 4), withSettings(revisions[4], nonsense)],
        audits: [...audits.slice(0, 4), { ...last, after: { ...(last.after as object), smtp: nonsense } }],
      }),
    );
    expect(mended).toMatchObject({
      revisions: [],
      head: { revision: 6, configuration: heads[3]?.configuration },
      made: { revision: 6, operation: 'restore-backup' },
    });
  });

  it('does not use the number of a head again that cannot be read', () => {
    const head = withSettings(heads[4], nonsense);
    expect(mendHistory(known({ head, revisions: revisions.slice(0, 3) }))).toMatchObject({
      head: { revision: 6, configuration: heads[2]?.configuration },
      made: { revision: 6 },
    });
  });

  it('of a Scanner out of service stays that', () => {
    const decommissionedAt = timeOf(6);
    expect(mendHistory(known({ revisions, audits, decommissionedAt }))?.head).toEqual({
      ...heads[4],
      decommissionedAt,
    });
  });

  it('ends revisions that are told again when they would have ended, and leaves out those that are past it', () => {
    const expiryOf = (at: Date) => at.getTime() / 1000 + 97 * 60;
    const mended = mendHistory(known({ head: heads[4], revisions: revisions.slice(4), audits, expiryOf }));
    expect(mended?.revisions).toEqual([]);
    const all = mendHistory(known({ audits, expiryOf }));
    expect(all?.revisions.map(({ revision, expiresAt }) => [revision, expiresAt !== undefined])).toEqual([
      [3, true],
      [4, true],
      [5, false],
    ]);
  });

  it('of which nothing is left cannot be made', () => {
    expect(mendHistory(known({}))).toBeNull();
  });
});

describe('the history of an id that was registered again', () => {
  const [, second] = historyOf(2).heads as [Head, Head];
  const third = reopenedHead(second, listsOf(0), 'me', timeOf(3));
  const fourth = nextHead(third, { ...third.configuration, lists: listsOf(4) }, 'me', timeOf(4));
  const { revisions } = historyOf(2);
  const auditOf = ({ revision, configuration }: Head, operation: string): RevisionAudit => ({
    revision,
    at: timeOf(revision),
    actor: 'me',
    operation,
    after: configuration,
  });
  const registered = auditOf(third, 'create-scanner');
  const edited = auditOf(fourth, 'add-entries');

  it('says so where only the audit tells of that', () => {
    expect(mendHistory(known({ revisions, audits: [registered] }))?.head).toEqual(third);
  });

  it('says so of what came after it', () => {
    expect(mendHistory(known({ revisions, audits: [registered, edited] }))?.head).toEqual(fourth);
  });

  it('says so beyond a gap', () => {
    const fifth = { ...auditOf(fourth, 'add-entries'), revision: 5 };
    const { head } = mendHistory(known({ revisions, audits: [registered, fifth] })) ?? {};
    expect(head).toMatchObject({ revision: 5, registration: third.registration });
  });

  it('says nothing of the kind of a first registration', () => {
    const [first] = historyOf(1).heads as [Head];
    expect(mendHistory(known({ audits: [auditOf(first, 'create-scanner')] }))?.head).toEqual(first);
  });
});

describe('whatever is lost of a history', () => {
  const part = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });

  it('is mended to one that fsck accepts but for gaps, with no number used for two configurations, and mending again does nothing', () => {
    fc.assert(
      fc.property(
        part,
        part,
        fc.boolean(),
        fc.integer({ min: 0, max: 9 }),
        (kept, told, withHead, spokenOf) => {
          const { heads, revisions, audits } = historyOf(8);
          const before = known({
            head: withHead ? heads[7] : undefined,
            revisions: revisions.filter((_, index) => kept[index]),
            audits: audits.filter((_, index) => told[index]),
            spokenOf: Math.min(spokenOf, 8),
          });
          const mended = mendHistory(before);
          const isKnown = withHead || kept.includes(true) || told.includes(true);
          expect(mended !== null).toBe(isKnown);
          if (!mended) return;
          const after = {
            ...before,
            head: mended.head ?? before.head,
            revisions: [...before.revisions, ...mended.revisions, ...(mended.made ? [mended.made] : [])].sort(
              (one, other) => one.revision - other.revision,
            ),
          };
          const problems = judgeHistory(after.head as Head, after.revisions);
          expect(problems.filter((problem) => !/is missing between others$/.test(problem))).toEqual([]);
          for (const { revision, configuration } of after.revisions)
            if (revision <= 8 && revision !== mended.made?.revision)
              expect(configuration).toEqual(heads[revision - 1]?.configuration);
          const used = Math.max(before.spokenOf, ...before.audits.map(({ revision = 0 }) => revision));
          expect((after.head as Head).revision).toBeGreaterThanOrEqual(used);
          if (mended.made) expect(mended.made.revision).toBeGreaterThan(used);
          expect(mendHistory(after)).toEqual({ revisions: [], head: null, made: null });
        },
      ),
      { numRuns: 300 },
    );
  });
});
