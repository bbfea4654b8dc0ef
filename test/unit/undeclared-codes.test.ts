import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { httpStack, invalid } from '../../functions/lib/http.ts';
import { logger } from '../../functions/lib/logger.ts';
import { AppError, type ErrorCode } from '../../shared/errors.ts';
import { defineOperation } from '../../shared/operations/define.ts';

const operation = defineOperation({
  id: 'probe',
  method: 'GET',
  path: '/v1/probe',
  resource: 'meta',
  scope: null,
  summary: 'Fails as it is told',
  query: z.strictObject({ limit: z.optional(z.string()) }),
  returns: { 200: z.object({}) },
  errors: ['NOT_FOUND'],
  problems: ['LIST_EMPTY'],
});

const event = { headers: {}, requestContext: { requestId: 'r1' }, queryStringParameters: {} } as never;

/** Codes that are logged as undeclared when the operation fails with `error`. */
const undeclared = async (error: AppError): Promise<unknown[]> => {
  const logged = vi.spyOn(logger, 'error').mockReturnValue();
  const [, run] = httpStack(operation, () => Promise.reject(error));
  await run(event, {} as never);
  const { calls } = logged.mock;
  logged.mockRestore();
  return calls.flatMap(([message, extra]) =>
    message === 'undeclared_code' ? [(extra as unknown as { code: string }).code] : [],
  );
};

const withProblems = (...codes: ErrorCode[]) =>
  invalid(codes.map((code) => ({ pointer: '', code, message: 'x' })));

describe('a code that the operation does not declare is logged', () => {
  it('where it is the document’s own', async () => {
    expect(await undeclared(new AppError('HOST_EXISTS'))).toEqual(['HOST_EXISTS']);
    expect(await undeclared(new AppError('NOT_FOUND'))).toEqual([]);
    expect(await undeclared(new AppError('THROTTLED'))).toEqual([]);
  });

  it('where it stands inside errors, once', async () => {
    expect(await undeclared(withProblems('LIST_EMPTY', 'OPEN_RELAY', 'OPEN_RELAY'))).toEqual(['OPEN_RELAY']);
    expect(await undeclared(withProblems('LIST_EMPTY', 'UNKNOWN_FIELD'))).toEqual([]);
  });
});
