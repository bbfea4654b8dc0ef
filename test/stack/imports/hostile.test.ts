import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileFiles } from '../../../bench/hostile-files.ts';
import type { StoredJob } from '../../../shared/domain/import-job.ts';
import type { ImportProblem } from '../../../shared/schemas/lists.ts';
import { type ImportWorld, startImportWorld } from './world.ts';

/**
 * Files made to break the worker, each taken by a process of its own, whose peak of memory is what its system says. They are scaled
 * down where that shows the same; the full sizes are in bench/hostile-files.bench.ts.
 */
let world: ImportWorld;
let scannerId: string;
/** A worker that has done nothing takes about 90 MB; what a list of few entries may need besides. */
const mostBytes = 200 * 1024 * 1024;

beforeAll(async () => {
  world = await startImportWorld();
  scannerId = await world.scanner(['192.0.2.1']);
});
afterAll(() => world?.end());

const take = async (
  body: string | Uint8Array | Readable,
  options: { bytes?: number; metadata?: Record<string, string> } = {},
): Promise<StoredJob> => {
  const { bytes, metadata = { 'on-invalid': 'skip' } } = options;
  const message = await world.drop(scannerId, body, metadata, bytes === undefined ? {} : { bytes });
  const ended = await world.deliverToProcess(message);
  expect(ended.failed, ended.output).toBe(false);
  expect(ended.maxRssBytes).toBeLessThan(mostBytes);
  const [job] = await world.jobs(scannerId);
  return job as StoredJob;
};

const reportOf = async ({ importId }: StoredJob): Promise<string> => {
  const { getObject } = world.stores.objects;
  return (await (await getObject(`reports/${importId}.jsonl`)).Body?.transformToString()) ?? '';
};
const problemsIn = (report: string) =>
  report
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ImportProblem);

describe('a hostile file ends with a clear code, in bounded memory', () => {
  it('one line of 40 MB without a delimiter', async () => {
    const file = hostileFiles.oneToken(40_000_000);
    const job = await take(Readable.from(file.pieces()), { bytes: file.bytes });
    expect(job).toMatchObject({
      state: 'completed',
      counts: { tokens: 1, invalid: 1, added: 0 },
      problems: [{ line: 1, column: 1, code: 'TOKEN_TOO_LONG', token: `${'a'.repeat(80)}…` }],
      progress: { bytesRead: 40_000_000, bytesTotal: 40_000_000 },
    });
    expect(await world.values(scannerId)).toEqual(['192.0.2.1']);
  });

  it.each([
    ['alone', ''],
    ['behind the header of an export', 'address,enabled,comment\n'],
  ])('ten million commas, %s', async (_, header) => {
    const job = await take(`${header}${','.repeat(10_000_000)}`);
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FILE_EMPTY' }, counts: { tokens: 0 } });
  });

  it('a quote that is opened and never closed, before 20 MB', async () => {
    const job = await take(
      `address,enabled,comment\n"192.0.2.7,true,\n${'198.51.100.1,true,x\n'.repeat(1_000_000)}`,
    );
    expect(job).toMatchObject({ state: 'completed', counts: { tokens: 1, invalid: 1 } });
  });

  it('100,000 distinct bad tokens: the first 100 inline, all of them in the report', async () => {
    const file = hostileFiles.badTokens(100_000);
    const job = await take(Readable.from(file.pieces()), { bytes: file.bytes });
    expect(job).toMatchObject({ state: 'completed', problemsTotal: 100_000, counts: { invalid: 100_000 } });
    expect(job.problems).toHaveLength(100);
    const problems = problemsIn(await reportOf(job));
    expect(problems).toHaveLength(100_000);
    expect(problems.at(-1)).toMatchObject({
      line: 100_000,
      column: 1,
      token: 'bad_99999!',
      code: 'DOMAIN_INVALID',
    });
  });

  it('tokens of 100,000 characters', async () => {
    const job = await take(
      Array.from({ length: 50 }, (_, index) => `${index}`.repeat(100_000).slice(0, 100_000)).join('\n'),
    );
    expect(job.problems.map(({ code }) => code)).toEqual(Array.from({ length: 50 }, () => 'TOKEN_TOO_LONG'));
    for (const { token } of job.problems) expect(token).toHaveLength(81);
  });

  it('mostly comments, with a name now and then: memory is bounded by the entries and not by the file', async () => {
    const file = hostileFiles.comments(120_000_000);
    const job = await take(Readable.from(file.pieces()), { bytes: file.bytes });
    expect(job).toMatchObject({ state: 'completed', counts: { invalid: 0, added: file.names } });
  });

  it.each([
    ['half a surrogate pair', Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x0a]), 'FILE_NOT_UTF8'],
    ['a zip archive', Buffer.from('PK\u0003\u0004and so on', 'latin1'), 'FILE_COMPRESSED'],
    ['a gzip bomb', 'bomb', 'FILE_COMPRESSED'],
    ['UTF-16', Buffer.from('192.0.2.1\n', 'utf16le'), 'FILE_NOT_UTF8'],
  ])('%s', async (_, bytes, code) => {
    const body = bytes === 'bomb' ? gzipSync(Buffer.alloc(1024 * 1024 * 64)) : bytes;
    expect(await take(body)).toMatchObject({ state: 'failed', error: { code }, counts: { added: 0 } });
    expect((await world.values(scannerId)).slice(0, 1)).toEqual(['192.0.2.1']);
  });
});

describe('what a token holds does nothing in any report', () => {
  const escapes = [
    '\u001b[2J\u001b[31mred',
    '\u009b2J',
    '\u202etxt.exe',
    '\ufeffx',
    'a\u2028b',
    '\u{e0041}tag',
  ];
  const formulas = ['=cmd|calc!A1', '+1+1', '-2+3', '@SUM(1)', '=HYPERLINK("http://x")'];

  it.each(['plain text', 'CSV'])('in a file of %s', async (form) => {
    const tokens = [...escapes, ...formulas];
    const quoted = [...tokens, 'a,=1+1', '"=1'].map((token) => `"${token.replaceAll('"', '""')}",true,`);
    const body = form === 'CSV' ? `address,enabled,comment\n${quoted.join('\n')}` : tokens.join('\n');

    const job = await take(body);

    const report = await reportOf(job);
    expect(job.problemsTotal).toBe(form === 'CSV' ? tokens.length + 2 : tokens.length);
    const seen = [...problemsIn(report), ...job.problems].flatMap(({ token, message, suggestion }) => [
      token,
      message,
      suggestion ?? '',
    ]);
    for (const text of seen) {
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(text).not.toMatch(/(?:^|[\s,;"'|])[=+@-]/u);
    }
    expect(report).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('cut in the middle of a character shows half of none', async () => {
    const job = await take(`${'a'.repeat(79)}${'😀'.repeat(200)}\n`);
    const [problem] = job.problems;
    expect(problem?.token.isWellFormed()).toBe(true);
    expect(problem?.token).not.toContain('\ufffd');
  });
});
