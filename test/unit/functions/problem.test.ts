import middy from '@middy/core';
import { describe, expect, it } from 'vitest';
import { asAppError } from '../../../functions/lib/problem.ts';
import { AppError } from '../../../shared/errors.ts';

describe('what a handler throws', () => {
  it('stays what it is where it has a code', () => {
    const error = new AppError('NOT_FOUND');
    expect(asAppError(error)).toBe(error);
  });

  it('is a bug where it has none', () => {
    expect(asAppError(new TypeError('odd'))).toMatchObject({ code: 'INTERNAL' });
    expect(asAppError('odd')).toMatchObject({ code: 'INTERNAL' });
  });

  it('may be tried again where the function’s time has run out', async () => {
    const caught: unknown[] = [];
    const slow = middy()
      .handler(() => new Promise(() => undefined))
      .onError(({ error }) => void caught.push(error));
    await slow({}, { getRemainingTimeInMillis: () => 20 } as never).catch(() => undefined);

    expect(caught.map(asAppError)).toEqual([expect.objectContaining({ code: 'UNAVAILABLE' })]);
  });
});
