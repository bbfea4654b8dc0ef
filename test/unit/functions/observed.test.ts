import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { following, note } from '../../../functions/lib/followed.ts';
import { logger } from '../../../functions/lib/logger.ts';
import { countBy, measure } from '../../../functions/lib/metrics.ts';
import { observed } from '../../../functions/lib/observed.ts';
import { AppError } from '../../../shared/errors.ts';

let lines: string[];
beforeEach(() => {
  lines = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const parsed = () =>
  lines
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const pem = '-----BEGIN PRIVATE KEY-----\nMARKER\n-----END PRIVATE KEY-----';

describe('what is logged', () => {
  it('says what the work is about, also what was found out meanwhile, and pieces that go at once do not mix', async () => {
    const piece = (scannerId: string) =>
      following({ scannerId }, async () => {
        await new Promise(setImmediate);
        note({ revision: scannerId.length });
        await new Promise(setImmediate);
        logger.info('done');
      });
    await following({ requestId: 'r1' }, () => Promise.all([piece('a'), piece('bb')]));

    expect(parsed()).toEqual([
      expect.objectContaining({ message: 'done', requestId: 'r1', scannerId: 'a', revision: 1 }),
      expect.objectContaining({ message: 'done', requestId: 'r1', scannerId: 'bb', revision: 2 }),
    ]);
  });

  it('of an error is its name, code, message without secrets, stack and cause, and nothing that it carries besides', () => {
    const cause = Object.assign(new Error(`cannot read ${pem}`), { input: 'MARKER' });
    const problems = [{ pointer: '/value', code: 'NOT_AN_ENTRY' as const, message: 'MARKER is no entry' }];
    const error = new AppError('UNAVAILABLE', 'away', { cause, problems, data: { value: 'MARKER' } });
    logger.error('failed', { cause: error });

    expect(lines.join('')).not.toContain('MARKER');
    expect(parsed()[0]).toMatchObject({
      cause: {
        name: 'AppError',
        code: 'UNAVAILABLE',
        message: 'away',
        stack: expect.arrayContaining([expect.stringMatching(/^at /)]),
        cause: { name: 'Error', message: 'cannot read [PEM]' },
      },
    });
  });
});

describe('a handler', () => {
  it('that fails is logged once with what it was about, and throws no more than name, code, message and stack', async () => {
    const problems = [{ pointer: '', code: 'NOT_AN_ENTRY' as const, message: 'MARKER' }];
    const fails = observed(async () =>
      following({ scannerId: 'mx1' }, async () => {
        throw new AppError('UNAVAILABLE', 'away', { problems, cause: new Error('MARKER') });
      }),
    );
    const error = (await fails(undefined).catch((thrown: unknown) => thrown)) as Error;

    expect(error).toMatchObject({
      name: 'AppError',
      code: 'UNAVAILABLE',
      message: 'away',
      stack: expect.stringMatching(/^AppError: away\n\s+at /),
    });
    expect(Object.keys(error)).not.toContain('problems');
    expect(error.cause).toBeUndefined();
    expect(parsed().map(({ message }) => message)).toEqual(['invocation failed']);
  });

  it('writes what it measured when it ends, also when it fails: samples in one line, what has a code in its own and in all', async () => {
    const measures = observed(async () => {
      measure('PublishLag', 5);
      measure('PublishLag', 7);
      countBy('ImportFailures', 'FILE_EMPTY');
      throw new Error('no');
    });
    await measures(undefined).catch(() => undefined);

    const written = parsed().filter((line) => '_aws' in line);
    expect(written).toEqual([
      expect.objectContaining({ ImportFailures: 1, code: 'FILE_EMPTY', service: 'control-plane' }),
      expect.objectContaining({ PublishLag: [5, 7], service: 'control-plane' }),
    ]);
    expect(
      written.map(({ _aws }) => (_aws as { CloudWatchMetrics: object[] }).CloudWatchMetrics[0]),
    ).toMatchObject([
      { Dimensions: [['service'], ['service', 'code']], Namespace: 'ScannerControlPlane' },
      { Dimensions: [['service']], Namespace: 'ScannerControlPlane' },
    ]);
  });

  it('that measured nothing writes nothing', async () => {
    await observed(async () => 1)(undefined);
    expect(lines).toEqual([]);
  });
});
