import { describe, expect, it } from 'vitest';
import { inTurn } from '../../../functions/lib/batch.ts';
import { AppError, type ErrorCode } from '../../../shared/errors.ts';

/** Works through a, b, c and d, of which some fail; answers what was tried and what failed. */
const work = async (failing: Record<string, unknown>) => {
  const tried: string[] = [];
  const { batchItemFailures } = await inTurn(
    ['a', 'b', 'c', 'd'],
    (record) => record,
    async (record) => {
      tried.push(record);
      if (record in failing) throw failing[record];
    },
  );
  return { tried: tried.join(''), failed: batchItemFailures.map((one) => one.itemIdentifier).join('') };
};

describe('the records of a batch', () => {
  it('are worked through in order, and none is named when all are done', async () => {
    expect(await work({})).toEqual({ tried: 'abcd', failed: '' });
  });

  it('that can never work are named, and the ones behind them are done', async () => {
    const broken = new TypeError('no scannerId');
    expect(await work({ a: broken, c: new AppError('NOT_FOUND') })).toEqual({ tried: 'abcd', failed: 'ac' });
  });

  it.each<ErrorCode>([
    'UNAVAILABLE',
    'THROTTLED',
  ])('are given back untried from the one on that is %s', async (code) => {
    const outcome = await work({ a: new TypeError('broken'), c: new AppError(code) });
    expect(outcome).toEqual({ tried: 'abc', failed: 'acd' });
  });
});
