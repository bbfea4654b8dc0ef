import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everyList, firstHead, type Head } from '../../../shared/domain/configuration.ts';
import { fleetSums } from '../../../shared/domain/fleet.ts';
import {
  isAskedFor,
  type Standing,
  type StandingFacts,
  type StandingFilter,
  standingOf,
} from '../../../shared/domain/standing.ts';
import { reportDiffers, saidOf } from '../../../shared/domain/status.ts';
import type { SmtpDesired, SmtpReported } from '../../../shared/messages/shadow.ts';
import { labelsOf, listScanners } from '../../../shared/operations/list-scanners.ts';
import { fleetSummary } from '../../../shared/schemas/fleet.ts';
import { listNames } from '../../../shared/schemas/lists.ts';

const at = '2026-11-24T10:00:00.000Z';
const root = 'a'.repeat(64);
const lists = everyList({ root, entries: 0, enabled: 0 });

const headAt = (revision: number, configured = true): Head => {
  const head = firstHead('mx1', lists, 'tester', at);
  const smtp = configured ? ({ mailFiltering: 'inbound' } as Head['configuration']['smtp']) : null;
  return { ...head, revision, configuration: { ...head.configuration, smtp } };
};

const report = (
  appliedRevision: number | null,
  code: 'applying' | 'applied' | 'rejected' | 'failed',
  revision: number,
) => ({
  epoch: 'e',
  shadowVersion: 1,
  appliedRevision,
  appliedRoots: Object.fromEntries(listNames.map((name) => [name, root])),
  appliedAt: at,
  lastReport: { revision, code, at },
});

const facts = (more: Partial<StandingFacts>): StandingFacts => ({
  scanner: { scannerId: 'mx1', labels: { site: 'lyon' }, enabled: true, createdAt: at },
  head: headAt(3),
  ...more,
});

const published = { revision: 3, shadowVersion: 1, at };
const disabled = { scannerId: 'mx1', labels: {}, enabled: false, createdAt: at };

describe('the state of a Scanner', () => {
  it.each<[string, Partial<StandingFacts>, Standing['state']]>([
    ['has no settings', { head: headAt(1, false) }, 'not-configured'],
    ['is not published to yet', {}, 'pending'],
    ['has not reported yet', { published }, 'pending'],
    ['applies', { published, report: report(2, 'applying', 3) }, 'pending'],
    ['runs what it should', { published, report: report(3, 'applied', 3) }, 'in-sync'],
    ['refuses it', { published, report: report(2, 'rejected', 3) }, 'failed'],
    ['could not apply it', { published, report: report(2, 'failed', 3) }, 'failed'],
    ['refused what is no longer wanted', { published, report: report(1, 'rejected', 2) }, 'pending'],
    ['is disabled', { scanner: disabled, published, report: report(3, 'applied', 3) }, 'disabled'],
    [
      'cannot be published to',
      {
        due: {
          scannerId: 'mx1',
          at,
          failures: 2,
          lastError: { code: 'THROTTLED', message: 'Slow.', at },
          version: 1,
        },
      },
      'failed',
    ],
  ])('where it %s', (_, more, state) => {
    expect(standingOf(facts(more)).state).toBe(state);
  });
});

const standing: Standing = standingOf(
  facts({
    published,
    report: report(3, 'applied', 3),
    presence: { sessionIdentifier: 's', versionNumber: 1, connected: true, at },
  }),
);

describe('a Scanner that is in sync, connected and in Lyon', () => {
  it.each<[string, StandingFilter, boolean]>([
    ['everything', {}, true],
    ['enabled ones', { enabled: true }, true],
    ['disabled ones', { enabled: false }, false],
    ['connected ones', { connected: true }, true],
    ['disconnected ones', { connected: false }, false],
    ['those in sync', { inSync: true }, true],
    ['those not in sync', { inSync: false }, false],
    ['failed ones', { state: 'failed' }, false],
    ['the state in-sync', { state: 'in-sync' }, true],
    ['its label', { labels: [['site', 'lyon']] }, true],
    ['its label, whatever it is', { labels: [['site', undefined]] }, true],
    ['another value', { labels: [['site', 'paris']] }, false],
    ['a label that it has not', { labels: [['rack', undefined]] }, false],
    ['a name that every object has', { labels: [['constructor', undefined]] }, false],
    ['two things of which one does not hold', { connected: true, inSync: false }, false],
  ])('is among %s: %j is %s', (_, filter, asked) => {
    expect(isAskedFor(standing, filter)).toBe(asked);
  });
});

describe('a label parameter', () => {
  it.each([
    [undefined, []],
    ['site=lyon', [['site', 'lyon']]],
    ['site', [['site', undefined]]],
    ['site=', [['site', '']]],
    [
      'site=lyon,rack=7',
      [
        ['site', 'lyon'],
        ['rack', '7'],
      ],
    ],
    [
      'note=a, b,site',
      [
        ['note', 'a, b'],
        ['site', undefined],
      ],
    ],
    ['note=a=b', [['note', 'a=b']]],
    [
      ';note=b,site=x;tier=edge',
      [
        ['note', 'b,site=x'],
        ['tier', 'edge'],
      ],
    ],
    ['|note=a;b,c', [['note', 'a;b,c']]],
    [
      ';note;site=',
      [
        ['note', undefined],
        ['site', ''],
      ],
    ],
  ])('%j names %j', (given, labels) => {
    expect(labelsOf(given)).toEqual(labels);
  });
});

describe('a filter by label', () => {
  const label = (text: string) => listScanners.query.safeParse({ label: text }).success;

  it('takes any value, whatever is in it, and no name that is none', () => {
    const value = fc
      .string({ maxLength: 40 })
      .filter((text) => !text.includes('~') && !/[\n\r\u2028\u2029]/.test(text));
    fc.assert(
      fc.property(value, (text) => {
        expect(label(`~note=${text}~site=x`)).toBe(true);
        expect(labelsOf(`~note=${text}~site=x`)).toEqual([
          ['note', text],
          ['site', 'x'],
        ]);
      }),
    );
    for (const text of ['', ';', ';;', ',a', '=a', ';Note=a', ';note=a;', ' note=a'])
      expect(label(text)).toBe(false);
  });
});

describe('the sums of a fleet', () => {
  const sumOf = (...standings: Standing[]) => {
    const sums = fleetSums();
    for (const one of standings) sums.add(one);
    return fleetSummary.parse(sums.summary(at));
  };

  it('are none of everything for none', () => {
    expect(sumOf()).toEqual({
      scanners: 0,
      states: { disabled: 0, 'not-configured': 0, 'in-sync': 0, failed: 0, pending: 0 },
      conditions: {
        Published: { True: 0, False: 0, Unknown: 0 },
        Applied: { True: 0, False: 0, Unknown: 0 },
        Connected: { True: 0, False: 0, Unknown: 0 },
        InSync: { True: 0, False: 0, Unknown: 0 },
      },
      revisionLag: { none: 0, one: 0, upToTen: 0, more: 0, nothingApplied: 0 },
      software: [],
      softwareUnreported: 0,
      asOf: at,
    });
  });

  it('count each Scanner once in states, conditions, lag and software', () => {
    const behind = (appliedRevision: number | null): Standing => ({
      ...standing,
      state: 'pending',
      desiredRevision: 20,
      appliedRevision,
    });
    const versioned = (version: string): Standing => ({ ...standing, software: { name: 'agent', version } });
    const summary = sumOf(
      behind(null),
      behind(1),
      behind(10),
      behind(19),
      versioned('2'),
      versioned('1'),
      versioned('2'),
    );

    expect(summary.scanners).toBe(7);
    expect(summary.states).toMatchObject({ pending: 4, 'in-sync': 3 });
    expect(summary.revisionLag).toEqual({ none: 3, one: 1, upToTen: 1, more: 1, nothingApplied: 1 });
    expect(summary.software).toEqual([
      { name: 'agent', version: '1', scanners: 1 },
      { name: 'agent', version: '2', scanners: 2 },
    ]);
    expect(summary.softwareUnreported).toBe(4);
    expect(summary.conditions.InSync).toEqual({ True: 7, False: 0, Unknown: 0 });
  });
});

describe('a report', () => {
  const wanted: SmtpDesired = {
    revision: 3,
    mailFiltering: 'inbound',
    lists: { inbound: { root, entries: 0 } },
    advanced: root,
  };
  const reporting = (
    members: Partial<SmtpReported>,
    code: 'applied' | 'applying' = 'applied',
  ): SmtpReported => ({
    ...wanted,
    status: { revision: 3, code, at },
    ...members,
  });

  it.each<[string, Partial<SmtpReported>, boolean]>([
    ['of all that is desired', {}, false],
    ['with another list', { lists: { inbound: { root: 'b'.repeat(64), entries: 0 } } }, true],
    ['with another setting', { mailFiltering: 'outbound' }, true],
    ['with a setting that is not desired', { authentication: { enabled: false } }, true],
    ['of an earlier revision', { revision: 2, mailFiltering: 'outbound' }, false],
  ])('%s: %j differs from the desired revision: %s', (_, members, differs) => {
    expect(reportDiffers(headAt(3), wanted, reporting(members))).toBe(differs);
  });

  it.each<[string, SmtpReported, boolean, string]>([
    ['that runs what it says it applied', reporting({}), false, 'applied'],
    ['that says applied and runs an earlier revision', reporting({ revision: 2 }), false, 'failed'],
    ['that says applied with something else', reporting({}), true, 'failed'],
    ['that applies', reporting({ revision: 2 }, 'applying'), false, 'applying'],
  ])('of a Scanner %s is kept with its revision as it is', (_, reported, differs, code) => {
    expect(saidOf(reported, differs).code).toBe(code);
  });
});
