import { describe, expect, it } from 'vitest';
import { graceDays, isRetained, retainedBeyond, revisionExpiry } from '../../../shared/domain/retention.ts';
import {
  digestOfKey,
  markMs,
  newRun,
  nextStep,
  nothingCarried,
  sweepable,
  writerMs,
} from '../../../shared/domain/sweep.ts';
import { flaws, simulate, simulateAndSettle } from './sweep-world.ts';

const day = 86_400_000;
const marked = 100 * day;
const version = (key: string, versionId: string, age: number) => ({
  key,
  versionId,
  modifiedAt: marked - age,
});
const idsOf = (...args: Parameters<typeof sweepable>) =>
  sweepable(...args).doomed.map(({ key, versionId }) => `${key}${versionId}`);
const named =
  (...keys: string[]) =>
  (key: string) =>
    keys.includes(key);

describe('versions that are swept', () => {
  it('are all old ones of a key that nobody names, and no young one', () => {
    const page = [version('a', '2', writerMs - 1), version('a', '1', writerMs), version('b', '1', 9 * day)];
    expect(idsOf(page, named(), marked)).toEqual(['a1', 'b1']);
  });

  it('are those behind the newest of a key that is named, and never the newest', () => {
    const page = [version('a', '3', 5 * day), version('a', '2', 6 * day), version('b', '1', 9 * day)];
    expect(idsOf(page, named('a', 'b'), marked)).toEqual(['a2']);
  });

  it('are the same whether the versions of a key come on one page or on several', () => {
    const whole = ['5', '4', '3', '2', '1'].map((id) => version('a', id, 9 * day));
    let carried = nothingCarried;
    const seen = whole.flatMap((one) => {
      const judged = sweepable([one], named('a'), marked, carried);
      carried = judged.carried;
      return judged.doomed;
    });
    expect(seen).toEqual(sweepable(whole, named('a'), marked).doomed);
    expect(seen).toHaveLength(4);
  });
});

describe('the digest of a key', () => {
  const digest = 'a1'.repeat(32);
  it.each([
    [`lists/chunks/${digest}`, digest],
    [`lists/chunks/${digest}.txt.gz`, digest],
    [`lists/chunks/${digest}/part`, digest],
    [`lists/chunks/${digest}0`, null],
    [`lists/chunks/${digest.toUpperCase()}`, null],
    ['lists/chunks/notes.txt', null],
  ])('of %s', (key, expected) => {
    expect(digestOfKey(key, 'lists/chunks/')).toBe(expected);
  });
});

describe('a run of the sweep', () => {
  const run = newRun('r', marked, 0, ['lists/chunks/']);
  it('begins when there was none, goes on until its mark is a day old, and rests until a day after it began', () => {
    expect(nextStep(undefined, marked)).toBe('begin');
    for (const phase of ['mark', 'delete'] as const) {
      expect(nextStep({ ...run, phase }, marked + markMs - 1)).toBe(phase);
      expect(nextStep({ ...run, phase }, marked + markMs)).toBe('begin');
    }
    for (const phase of ['done', 'failed'] as const) {
      expect(nextStep({ ...run, phase }, marked + day - 1)).toBe('rest');
      expect(nextStep({ ...run, phase }, marked + day)).toBe('begin');
    }
  });

  it('that does not say which prefixes its mark is good for is thrown away', () => {
    const { prefixes: _, ...earlier } = run;
    for (const phase of ['mark', 'delete'] as const)
      expect(nextStep({ ...earlier, phase }, marked + 1)).toBe('begin');
  });
});

describe('a superseded revision', () => {
  const at = new Date('2026-11-24T10:00:00.500Z');
  const later = (days: number) => new Date(at.getTime() + days * day);
  it('is retained for the days of the operator, and is there for seven more', () => {
    const expiresAt = revisionExpiry(at, 30);
    expect(isRetained({ expiresAt }, later(30))).toBe(true);
    expect(isRetained({ expiresAt }, later(30.001))).toBe(false);
    expect(expiresAt * 1000).toBeGreaterThanOrEqual(later(30 + graceDays).getTime());
    expect(isRetained({}, later(10_000))).toBe(true);
  });

  it('is judged by a transaction’s condition as it is by a reader', () => {
    const expiresAt = revisionExpiry(at, 3);
    for (let days = 0; days < 12; days += 0.25)
      expect(expiresAt > retainedBeyond(later(days))).toBe(isRetained({ expiresAt }, later(days)));
  });
});

describe('writers, imports, copies, restores, expiry and sweeps in any order', () => {
  const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

  it('never lose an object that a revision names', () => {
    let swept = 0;
    for (const seed of seeds) {
      const played = simulate(seed, 1500);
      expect(played.lost, `seed ${seed}`).toBeNull();
      swept += played.swept;
    }
    // Otherwise the sweeps were never under way for long enough to do harm.
    expect(swept).toBeGreaterThan(1000);
  });

  it('leave, when all is quiet, exactly one version of what is named, and nothing else', () => {
    for (const seed of seeds.slice(0, 100)) expect(simulateAndSettle(seed, 300), `seed ${seed}`).toEqual([]);
  });

  it.each(flaws)('would lose one if %s', (flaw) => {
    expect(seeds.some((seed) => simulate(seed, 3000, flaw).lost !== null)).toBe(true);
  });
});
