import { describe, expect, it } from 'vitest';
import {
  canActivate,
  isActive,
  judgeEdit,
  relayVerdict,
  withList,
} from '../../../shared/domain/access-lists.ts';
import { canonicalJson } from '../../../shared/domain/canonical-json.ts';
import {
  compareSequencers,
  endsJob,
  isLost,
  optionsOfMetadata,
  parseImportKey,
  targetOf,
} from '../../../shared/domain/import-job.ts';
import type { Touched } from '../../../shared/domain/lists/local-edit.ts';
import { pageOf } from '../../../shared/domain/pages.ts';
import { AppError } from '../../../shared/errors.ts';
import { defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import type { Acknowledgement } from '../../../shared/schemas/common.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { noTls } from '../../../shared/schemas/smtp.ts';

describe('an object key', () => {
  it('names its target, its job, or nothing', () => {
    expect(parseImportKey('imports/mx1/inbound/a b+c.txt')).toEqual({
      kind: 'drop',
      scannerId: 'mx1',
      list: 'inbound',
    });
    expect(parseImportKey('uploads/imp-1')).toEqual({ kind: 'upload', importId: 'imp-1' });
    for (const key of ['imports/mx1/inbound/', 'imports/', 'lists/chunks/0', 'reports/x'])
      expect(parseImportKey(key)).toBeNull();
  });

  it.each([
    'imports/mx1/list',
    'imports/mx1/relay/a',
    'imports/MX1/inbound/a',
    'imports//inbound/a',
  ])('%s has no target that can be', (key) => {
    const parsed = parseImportKey(key) as { scannerId: string; list: string };
    expect(() => targetOf(key, parsed.scannerId, parsed.list)).toThrow(
      expect.objectContaining({ code: 'TARGET_NOT_FOUND' }),
    );
  });

  it('may have folders below its list', () => {
    expect(targetOf('imports/mx1/outbound/2026/a.txt', 'mx1', 'outbound')).toBe('outbound');
  });
});

describe('a job that should be worked on', () => {
  const minutes = (count: number) => new Date(Date.parse('2026-11-24T10:00:00.000Z') + count * 60_000);
  const time = (count: number) => minutes(count).toISOString();
  const uploaded = { state: 'uploaded', createdAt: time(0), uploadedAt: time(55) } as const;

  it('is lost when nothing has come of it for 20 minutes, whatever it waited for before', () => {
    expect(isLost({ state: 'uploaded', createdAt: time(0) }, minutes(20.1))).toBe(true);
    expect(isLost(uploaded, minutes(56))).toBe(false);
    expect(isLost(uploaded, minutes(75))).toBe(false);
    expect(isLost(uploaded, minutes(75.1))).toBe(true);
    expect(isLost({ ...uploaded, begunAt: time(76) }, minutes(80))).toBe(false);
  });

  it('is none while it waits for its file, for a person, or has ended', () => {
    for (const state of ['created', 'awaiting-confirmation', 'completed', 'failed', 'cancelled'] as const)
      expect(isLost({ ...uploaded, state }, minutes(999))).toBe(false);
  });
});

describe('object metadata', () => {
  it('has defaults', () => {
    expect(optionsOfMetadata({})).toEqual({
      mode: 'merge',
      onInvalid: 'reject',
      dryRun: false,
      activate: false,
      acknowledge: [],
    });
  });

  it('says how, and what is not ours is passed over', () => {
    const metadata = {
      mode: 'replace',
      'on-invalid': 'skip',
      'dry-run': 'true',
      'max-removals': '5',
      activate: 'true',
    };

    expect(
      optionsOfMetadata({ ...metadata, acknowledge: 'empty-list, open-relay', 's3cmd-attrs': 'x' }),
    ).toEqual({
      mode: 'replace',
      onInvalid: 'skip',
      dryRun: true,
      maxRemovals: 5,
      activate: true,
      acknowledge: ['empty-list', 'open-relay'],
    });
  });

  it.each<Record<string, string>>([
    { mode: 'append' },
    { 'on-invalid': '' },
    { 'dry-run': 'yes' },
    { 'max-removals': '-1' },
    { acknowledge: 'all' },
  ])('%j is refused', (metadata) => {
    expect(() => optionsOfMetadata(metadata)).toThrow(
      expect.objectContaining({ code: 'IMPORT_OPTION_INVALID' }),
    );
  });

  it('that is refused is told by what is wrong alone, with what is allowed', () => {
    const metadata = {
      'on-invalid': 'skip',
      activate: 'yes',
      acknowledge: 'open-relay, all, none',
      mode: 'append',
    };

    expect(() => optionsOfMetadata(metadata)).toThrow(
      /^mode=append is none of: merge, replace, remove\. activate=yes is none of: true, false\. acknowledge=open-relay, all, none is none of: empty-list, open-relay, or several with commas between\.$/,
    );
  });
});

it('sequencers compare as text after padding the shorter on the right', () => {
  expect(compareSequencers('0A', '0B')).toBeLessThan(0);
  expect(compareSequencers('0A1', '0A')).toBeGreaterThan(0);
  expect(compareSequencers('0A0', '0a')).toBe(0);
});

it('a job ends on what will go wrong again, and on nothing else', () => {
  expect(endsJob(new AppError('FILE_EMPTY'))).toBe(true);
  expect(endsJob(new AppError('LIST_NOT_ACTIVE'))).toBe(true);
  expect(endsJob(new AppError('THROTTLED'))).toBe(false);
  expect(endsJob(new AppError('UNAVAILABLE'))).toBe(false);
  expect(endsJob(new AppError('SUPERSEDED'))).toBe(false);
  expect(endsJob(new TypeError('x'))).toBe(false);
});

describe('an edit', () => {
  it('has every bad value told, with its pointer and suggestion', () => {
    const { problems } = judgeEdit([
      { pointer: '/entries/0/value', value: '010.0.0.1' },
      { pointer: '/entries/1/value', value: '10.0.0.1', comment: 'a\nb' },
      { pointer: '/entries/2/value', value: 'x' },
    ]);

    expect(problems.map(({ pointer, code, suggestion }) => ({ pointer, code, suggestion }))).toEqual([
      { pointer: '/entries/0/value', code: 'IPV4_LEADING_ZERO', suggestion: '10.0.0.1' },
      { pointer: '/entries/1/comment', code: 'COMMENT_INVALID', suggestion: undefined },
      { pointer: '/entries/2/value', code: 'DOMAIN_SINGLE_LABEL', suggestion: undefined },
    ]);
  });

  it('says what it normalised, and of doubles the last counts', () => {
    const edit = judgeEdit([
      { pointer: '/entries/0/value', value: '10.0.0.1/24', enabled: true },
      { pointer: '/entries/1/value', value: '10.0.0.0/24', enabled: false },
    ]);

    expect(edit.normalized).toEqual([{ input: '10.0.0.1/24', value: '10.0.0.0/24' }]);
    expect(edit.duplicates).toBe(1);
    expect(edit.changes).toEqual([expect.objectContaining({ value: '10.0.0.0/24', enabled: false })]);
  });

  it('that may open a relay is refused on outbound; acknowledged, disabled or let in before it is not, elsewhere it is warned of', () => {
    const after = { value: '0.0.0.0/0', kind: 'ipv4-network' as const, enabled: true };
    const touched = [{ value: after.value, after }];
    const verdict = (...[list, what, acknowledged]: [AccessListName, Touched[], Acknowledgement[]]) => {
      const { problems, warnings } = relayVerdict(list, what, new Map(), acknowledged);
      return [problems.length, warnings.length];
    };

    expect(verdict('outbound', touched, [])).toEqual([1, 0]);
    expect(verdict('outbound', touched, ['open-relay'])).toEqual([0, 1]);
    expect(verdict('outbound', [{ ...touched[0], value: after.value, before: after, after }], [])).toEqual([
      0, 1,
    ]);
    expect(verdict('outbound', [{ value: after.value, after: { ...after, enabled: false } }], [])).toEqual([
      0, 0,
    ]);
    expect(verdict('inbound', touched, [])).toEqual([0, 1]);
  });
});

describe('a list decides', () => {
  const settings = (accept: 'all' | 'listed', enabled: boolean): SmtpSettings => ({
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4: { address: '192.0.2.1', port: 25 }, ipv6: null, tls: noTls, accept },
    authentication: { enabled, accept },
  });

  it('when its section accepts only listed clients; outbound always', () => {
    expect([
      isActive(settings('listed', true), 'inbound'),
      isActive(settings('all', true), 'inbound'),
    ]).toEqual([true, false]);
    expect(isActive(settings('listed', false), 'authentication')).toBe(false);
    expect(isActive(null, 'inbound')).toBe(false);
    expect(isActive(null, 'outbound')).toBe(true);
  });

  it('after activation, where the section is there', () => {
    expect(canActivate(settings('all', false), 'inbound')).toBe(true);
    expect(canActivate(settings('all', false), 'authentication')).toBe(false);
    expect(canActivate(null, 'inbound')).toBe(false);
    const reference = { root: 'f'.repeat(64), entries: 1, enabled: 1 };
    const lists = {
      inbound: reference,
      outbound: reference,
      authentication: reference,
      'local-delivery': reference,
      relay: reference,
    };
    const next = withList(
      { smtp: settings('all', true), advanced: defaultAdvanced(), lists, artifacts: {} },
      'inbound',
      { ...reference, entries: 2 },
      true,
    );
    expect(next.smtp?.inbound?.accept).toBe('listed');
    expect(next.smtp?.authentication?.accept).toBe('all');
    expect(next.lists.inbound.entries).toBe(2);
  });
});

describe('a page', () => {
  it('knows its place and where the buttons lead', () => {
    expect(pageOf(7300, 3, 50)).toEqual({
      page: 3,
      pageSize: 50,
      from: 101,
      to: 150,
      totalEntries: 7300,
      totalPages: 146,
      first: 1,
      previous: 2,
      next: 4,
      last: 146,
      forward: 53,
    });
    expect(pageOf(7300, 146, 50)).toMatchObject({ from: 7251, to: 7300, forward: 146 });
    expect(pageOf(7300, 146, 50)).not.toHaveProperty('next');
  });

  it('past the end is none, and an empty list has one that is empty', () => {
    expect(pageOf(7300, 147, 50)).toBeNull();
    expect(pageOf(0, 1, 50)).toMatchObject({ from: 0, to: 0, totalPages: 1 });
    expect(pageOf(0, 2, 50)).toBeNull();
  });
});

it('canonical JSON orders members by code units and writes no white space', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'é"' }], a: true, Z: undefined, '\u20ac': 1e21 })).toBe(
    '{"a":true,"b":[1,{"c":"é\\"","d":null}],"€":1e+21}',
  );
});
