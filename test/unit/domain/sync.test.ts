import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import type { Configuration } from '../../../shared/domain/configuration.ts';
import {
  changedParts,
  firstHead,
  type Head,
  nextHead,
  stillHolds,
} from '../../../shared/domain/configuration.ts';
import { desiredOf } from '../../../shared/domain/desired.ts';
import { nextPresence } from '../../../shared/domain/presence.ts';
import {
  isEdited,
  nextReport,
  nextUnreadable,
  type Report,
  readReport,
} from '../../../shared/domain/status.ts';
import { type SyncFacts, syncOf } from '../../../shared/domain/sync.ts';
import type { SmtpDesired, SmtpReported } from '../../../shared/messages/shadow.ts';
import { defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import type { ListReferences } from '../../../shared/schemas/lists.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noOutboundTls, noTls } from '../../../shared/schemas/smtp.ts';
import { shadowOutboundTls, shadowTls } from '../scanner/documents.ts';
import { sha256 } from './sha256.ts';

const root = (digit: string) => digit.repeat(64);
const reference = (digit: string, entries = 0) => ({ root: root(digit), entries, enabled: entries });
const lists = {
  inbound: reference('a', 2),
  outbound: reference('b'),
  authentication: reference('c'),
  'local-delivery': reference('e', 1),
  relay: reference('f', 3),
};
const settings: SmtpSettings = {
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: { address: '192.0.2.1', port: 25 }, ipv6: null, tls: noTls, accept: 'listed' },
  outbound: {
    ipv4: { address: '192.0.2.1', port: 26 },
    ipv6: null,
    tls: noOutboundTls,
    nonLocalDelivery: 'mx',
  },
  authentication: { enabled: false },
};
const configured = (smtp: SmtpSettings, some: ListReferences): Configuration => ({
  smtp,
  advanced: defaultAdvanced(),
  lists: some,
  artifacts: {},
});
const registered = firstHead('mx1', lists, 'me', '2026-01-01T00:00:00.000Z');
const head: Head = nextHead(registered, configured(settings, lists), 'me', '2026-01-02T00:00:00.000Z');

describe('a head', () => {
  it('notes the revision for each part that a change touches', () => {
    expect(head).toMatchObject({ revision: 2, parts: { smtp: 2, 'lists.inbound': 1, 'lists.outbound': 1 } });
  });

  it('takes settings for the same whatever the order of their members: a table keeps none', () => {
    const reversed = (value: object): object =>
      Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, member instanceof Object ? reversed(member) : member]),
      );
    const stored = configured(reversed(settings) as SmtpSettings, lists);

    expect(JSON.stringify(stored.smtp)).not.toBe(JSON.stringify(settings));
    expect(changedParts(stored, configured(settings, lists))).toEqual([]);
    expect(changedParts(stored, configured({ ...settings, mailFiltering: 'inbound' }, lists))).toEqual([
      'smtp',
    ]);
  });

  it('keeps If-Match while the part has not changed since, and only then', () => {
    const later = nextHead(head, configured(settings, { ...lists, outbound: reference('d', 1) }), 'me', 'x');

    expect(stillHolds(later, 'smtp', 2)).toBe(true);
    expect(stillHolds(later, 'smtp', 1)).toBe(false);
    expect(stillHolds(later, 'lists.outbound', 2)).toBe(false);
    expect(stillHolds(later, 'smtp', 4)).toBe(false);
    expect(stillHolds(later, 'smtp', '*')).toBe(true);
    expect(stillHolds(later, 'smtp', undefined)).toBe(true);
  });
});

describe('the desired document', () => {
  it('leaves out null, and lists of sections that take no clients', () => {
    const desired = desiredOf(head, sha256);

    expect(desired?.smtp).toEqual({
      revision: 2,
      mailFiltering: 'inbound-and-outbound',
      inbound: { ipv4: { address: '192.0.2.1', port: 25 }, tls: shadowTls, accept: 'listed' },
      outbound: {
        ipv4: { address: '192.0.2.1', port: 26 },
        tls: shadowOutboundTls,
        nonLocalDelivery: 'mx',
      },
      authentication: { enabled: false },
      lists: {
        inbound: { root: root('a'), entries: 2 },
        outbound: { root: root('b'), entries: 0 },
        'local-delivery': { root: root('e'), entries: 1 },
      },
      advanced: sha256(canonicalJson({ ...(desired?.advanced ?? {}) } as Json)),
    });
    expect(desired?.advanced).toMatchObject({ outbound: { ipv6Prefix: 128 }, bindings: { local: 'auto' } });
    expect(desired?.advanced.outbound).not.toHaveProperty('defaultSenderDomain');
  });

  it('is not there before the first save', () => {
    expect(desiredOf(registered, sha256)).toBeNull();
  });
});

const reported = (
  revision: number,
  status: Partial<SmtpReported['status']> = {},
  inbound = root('a'),
): SmtpReported => ({
  revision,
  lists: {
    inbound: { root: inbound, entries: 2 },
    outbound: { root: root('b'), entries: 0 },
    'local-delivery': { root: root('e'), entries: 1 },
  },
  status: { revision, code: 'applied', at: '2026-01-03T00:00:00.000Z', ...status },
});

const seen = (shadowVersion: number, document: SmtpReported, epoch = 'e1') => ({
  epoch,
  shadowVersion,
  reported: document,
});
const now = '2026-01-03T00:00:01.000Z';
const stored = (document: SmtpReported, version = 5): Report =>
  nextReport(undefined, seen(version, document), now) as Report;

describe('a report', () => {
  it('is stored when its shadow version is newer', () => {
    expect(nextReport(stored(reported(2)), seen(6, reported(3)), now)).toMatchObject({
      appliedRevision: 3,
      shadowVersion: 6,
    });
  });

  it('read from the same or an older version moves nothing', () => {
    expect(nextReport(stored(reported(2)), seen(5, reported(3)), now)).toBeNull();
    expect(nextReport(stored(reported(2)), seen(4, reported(3)), now)).toBeNull();
  });

  it('for an older revision than one applied moves nothing', () => {
    expect(
      nextReport(stored(reported(3)), seen(9, reported(3, { revision: 2, code: 'failed' })), now),
    ).toBeNull();
  });

  it('for the same revision with an earlier time moves nothing', () => {
    const earlier = reported(2, { at: '2026-01-02T23:59:59.000Z' });

    expect(nextReport(stored(reported(2)), seen(9, earlier), now)).toBeNull();
  });

  it('of a Scanner whose clock was set back counts when it says more than the last, or that another revision runs', () => {
    const try3 = (code: 'applying' | 'failed' | 'rejected', at: string, runs = 2): SmtpReported => ({
      ...reported(runs),
      status: { revision: 3, code, at },
    });
    const [noon, morning] = ['2026-01-03T12:00:00.000Z', '2026-01-03T07:00:00.000Z'];
    const applying = stored(try3('applying', noon));

    expect(nextReport(applying, seen(6, try3('failed', morning)), now)?.lastReport?.code).toBe('failed');
    expect(nextReport(applying, seen(6, try3('rejected', morning)), now)?.lastReport?.code).toBe('rejected');
    expect(nextReport(applying, seen(6, reported(3, { at: morning })), now)?.appliedRevision).toBe(3);
    const rejected = stored(try3('rejected', noon));
    for (const code of ['applying', 'failed', 'rejected'] as const)
      expect(nextReport(rejected, seen(6, try3(code, morning)), now)).toBeNull();
    const lost: SmtpReported = { status: { revision: 2, code: 'applying', at: morning } };
    expect(nextReport(stored(reported(2, { at: noon })), seen(6, lost), now)?.appliedRevision).toBeNull();
  });

  it('of a newer registration counts, whatever its version', () => {
    expect(nextReport(stored(reported(7)), seen(1, reported(1), 'e2'), now)).toMatchObject({
      epoch: 'e2',
      appliedRevision: 1,
    });
  });

  it('keeps the time since when a revision is applied', () => {
    const first = stored(reported(2));
    const again = nextReport(
      first,
      seen(6, reported(2, { at: '2026-01-04T00:00:00.000Z' })),
      '2026-01-04T00:00:01.000Z',
    );

    expect(again?.appliedAt).toBe(first.appliedAt);
  });
});

const facts = (more: Partial<SyncFacts> = {}): SyncFacts => ({
  head,
  scanner: { enabled: true, createdAt: '2026-01-01T00:00:00.000Z' },
  ...more,
});
const shown = (value: SyncFacts) =>
  Object.fromEntries(
    syncOf(value).conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
const published = { revision: 2, shadowVersion: 4, at: '2026-01-02T00:00:01.000Z' };
const presence = {
  sessionIdentifier: 's1',
  versionNumber: 1,
  connected: true,
  at: '2026-01-02T00:00:00.000Z',
};

describe('conditions', () => {
  it('say that nothing is configured before the first save', () => {
    expect(shown(facts({ head: registered }))).toEqual({
      Published: 'False NotConfigured',
      Applied: 'Unknown NeverReported',
      Connected: 'Unknown NeverConnected',
      InSync: 'False NotConfigured',
    });
  });

  it('say what is on its way', () => {
    expect(shown(facts({ presence }))).toMatchObject({
      Published: 'False Pending',
      Connected: 'True Connected',
    });
    expect(shown(facts({ published, report: stored(reported(1)) }))).toMatchObject({
      Published: 'True Published',
      Applied: 'False Pending',
      InSync: 'False Pending',
    });
  });

  it('say that a disabled Scanner is not published to', () => {
    const disabled = facts({ scanner: { enabled: false, createdAt: 'x' } });

    expect(shown(disabled)['Published']).toBe('False Disabled');
  });

  it.each([
    [1, '1 try to publish has failed, with THROTTLED: Slow. The next is at then.'],
    [2, '2 tries to publish have failed, the last with THROTTLED: Slow. The next is at then.'],
  ])('say how often publishing has failed: %i', (failures, message) => {
    const lastError = { code: 'THROTTLED', message: 'Slow.', at: now } as const;
    const due = { scannerId: 'mx1', at: 'then', failures, lastError, version: 1 };

    expect(syncOf(facts({ due })).conditions[0]).toMatchObject({ reason: 'PublishFailing', message });
  });

  it.each([
    ['applying', 'False Applying'],
    ['failed', 'False Failed'],
    ['rejected', 'False Rejected'],
  ] as const)('say that the Scanner is %s', (code, expected) => {
    const document = { ...reported(1), status: { revision: 2, code, message: 'why', at: now } };
    const state = facts({ published, report: stored(document) });

    expect(shown(state)['Applied']).toBe(expected);
    expect(syncOf(state).conditions.find((one) => one.type === 'Applied')?.message).toBe('why');
  });

  it('say in sync only when revision and roots are the desired ones', () => {
    const state = facts({ published, presence, report: stored(reported(2)) });

    expect(shown(state)).toEqual({
      Published: 'True Published',
      Applied: 'True Applied',
      Connected: 'True Connected',
      InSync: 'True InSync',
    });
    expect(shown(facts({ published, report: stored(reported(2, {}, root('0'))) }))).toMatchObject({
      Applied: 'False RootsDiffer',
      InSync: 'False RootsDiffer',
    });
  });
});

describe('a report that cannot be read', () => {
  const told = (status: object) =>
    readReport({ ...reported(2), status: { ...reported(2).status, ...status } });

  it('is one that is no report; texts that are too long are shortened', () => {
    const long = 'é'.repeat(499) + '😀'.repeat(300);
    const cut = told({ code: 'failed', message: long, pointer: `/${'a'.repeat(200)}` });
    expect(cut).toMatchObject({ report: { revision: 2, status: { message: `${'é'.repeat(499)}…` } } });
    expect(told({ message: 'x'.repeat(501) })).toMatchObject({
      report: { status: { message: `${'x'.repeat(499)}…` } },
    });
    expect(told({ message: 'x'.repeat(500) })).toMatchObject({
      report: { status: { message: 'x'.repeat(500) } },
    });
    expect(cut).not.toHaveProperty('report.status.pointer');
    expect(readReport(reported(2))).toEqual({ report: reported(2) });
  });

  it.each([
    ['a code that there is not', { code: 'done' }, '/status/code'],
    ['a pointer that is no text', { pointer: 7 }, '/status/pointer'],
    ['a message that is no text', { message: {} }, '/status/message'],
    ['no revision', { revision: null }, '/status/revision'],
  ])('%s says where', (_, status, pointer) => {
    expect(told(status)).toEqual({ unreadable: `What is reported at ${pointer} cannot be read.` });
  });

  it.each([null, 'x', [], {}, { status: null }])('%j is none', (value) => {
    expect(readReport(value)).toHaveProperty('unreadable');
  });

  it('moves no revision, shows in the conditions, and is gone with the next that can be read', () => {
    const known = stored(reported(2));
    const bad = nextUnreadable(known, { epoch: 'e1', shadowVersion: 6, message: 'No.' }, now) as Report;
    expect(bad).toEqual({ ...known, shadowVersion: 6, unreadable: { message: 'No.', at: now } });
    const state = facts({ published, presence, report: bad });
    expect(syncOf(state)).toMatchObject({ appliedRevision: 2, lastReport: { revision: 2, code: 'applied' } });
    expect(shown(state)).toMatchObject({
      Applied: 'Unknown ReportUnreadable',
      InSync: 'Unknown ReportUnreadable',
    });
    expect(syncOf(state).conditions[1]?.message).toBe('No. Before that it said that it runs revision 2.');

    const again = nextUnreadable(
      bad,
      { epoch: 'e1', shadowVersion: 7, message: 'Nor this.' },
      'later',
    ) as Report;
    expect(again.unreadable).toEqual({ message: 'Nor this.', at: now });
    expect(nextUnreadable(bad, { epoch: 'e1', shadowVersion: 6, message: 'Late.' }, now)).toBeNull();
    expect(nextReport(bad, seen(7, reported(2)), now)).not.toHaveProperty('unreadable');
    const old = reported(2, { at: '2026-01-02T23:59:59.000Z' });
    expect(nextReport(bad, seen(7, old), now)).toEqual({ ...known, shadowVersion: 7 });
  });

  it('of a decommissioned Scanner says that it may go on until it is stopped where it runs', () => {
    const { conditions } = syncOf(
      facts({
        scanner: { enabled: true, createdAt: 'x', decommissionedAt: 'y' },
        published,
        report: stored(reported(2)) as Report,
      }),
    );
    expect(conditions.find(({ type }) => type === 'Applied')).toMatchObject({
      status: 'False',
      message: 'The Scanner is decommissioned; it may run what it had until it is stopped on the host.',
    });
  });

  it('of a revision that there is not is told as that, and no part of the status goes back in time', () => {
    const why = { epoch: 'e1', shadowVersion: 6, message: 'Of 9.', unknownRevision: true } as const;
    const later = '2026-01-03T00:00:00.000Z';
    const report = nextUnreadable(stored(reported(2)), why, later) as Report;
    const { conditions } = syncOf(facts({ published, presence, report }));
    const of = (type: string) => conditions.find((one) => one.type === type);
    for (const type of ['Applied', 'InSync'])
      expect(of(type)).toMatchObject({
        status: 'False',
        reason: 'UnknownRevision',
        lastTransitionTime: later,
      });
  });

  it('is seen of a Scanner that has said nothing else, and of its present registration alone', () => {
    const first = nextUnreadable(undefined, { epoch: 'e1', shadowVersion: 1, message: 'No.' }, now) as Report;
    expect(first).toMatchObject({ appliedRevision: null, lastReport: null });
    expect(shown(facts({ report: first }))).toMatchObject({ Applied: 'Unknown ReportUnreadable' });
    const next = nextUnreadable(stored(reported(2)), { epoch: 'e2', shadowVersion: 1, message: 'No.' }, now);
    expect(next).toMatchObject({ epoch: 'e2', appliedRevision: null });
  });
});

describe('an edit of a shadow that the Scanner cannot apply', () => {
  const wanted = {
    revision: 2,
    mailFiltering: 'inbound',
    inbound: { accept: 'all' },
  } as unknown as SmtpDesired;
  const edited = { ...wanted, inbound: { accept: 'none' } };

  it.each([
    ['is one under its revision, rejected', wanted, edited, 'rejected', 2, true],
    ['is one under its revision, failed', wanted, edited, 'failed', 2, true],
    ['is none where the shadow is as it should be', wanted, wanted, 'rejected', 2, false],
    ['is none while the Scanner is applying', wanted, edited, 'applying', 2, false],
    [
      'is none where another revision is in the shadow',
      wanted,
      { ...edited, revision: 3 },
      'rejected',
      2,
      false,
    ],
    ['is none where it speaks of an older revision', wanted, edited, 'rejected', 1, false],
    ['is none where nothing is wanted', undefined, edited, 'rejected', 2, false],
    ['is none where the shadow is empty', wanted, undefined, 'rejected', 2, false],
  ] as const)('%s', (_, desired, present, code, revision, expected) => {
    expect(isEdited(desired, present, { status: { code, revision, at: now } })).toBe(expected);
  });
});

describe('presence', () => {
  const at = new Date('2026-01-02T00:10:00.000Z');
  const event = (
    eventType: 'connected' | 'disconnected',
    sessionIdentifier: string,
    versionNumber: number,
  ) => ({
    clientId: 'mx1',
    eventType,
    sessionIdentifier,
    versionNumber,
  });

  it('follows the events of one session', () => {
    expect(nextPresence(undefined, event('connected', 's1', 1), at)?.connected).toBe(true);
    expect(nextPresence(presence, event('disconnected', 's1', 1), at)?.connected).toBe(false);
  });

  it('is not moved by the disconnect of a session that a newer one took over', () => {
    const second = { ...presence, sessionIdentifier: 's2', versionNumber: 2 };

    expect(nextPresence(second, event('disconnected', 's1', 1), at)).toBeNull();
    expect(nextPresence(presence, event('connected', 's2', 2), at)?.sessionIdentifier).toBe('s2');
  });

  it('is not moved by doubled events, nor by a connect that comes after its disconnect', () => {
    const gone = { ...presence, connected: false };

    expect(nextPresence(presence, event('connected', 's1', 1), at)).toBeNull();
    expect(nextPresence(gone, event('disconnected', 's1', 1), at)).toBeNull();
    expect(nextPresence(gone, event('connected', 's1', 1), at)).toBeNull();
  });

  it('takes a number that began again, after an hour without a connection and not before', () => {
    const gone = { ...presence, versionNumber: 9, connected: false };

    expect(nextPresence(gone, event('connected', 's2', 0), at)).toBeNull();
    expect(
      nextPresence(gone, event('connected', 's2', 0), new Date('2026-01-02T01:00:00.000Z'))?.connected,
    ).toBe(true);
  });
});
