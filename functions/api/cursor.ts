import * as z from 'zod/mini';
import { AppError } from '../../shared/errors.ts';

const walk = z.strictObject({ revision: z.int().check(z.minimum(1)), next: z.int().check(z.minimum(0)) });

/** A walk through a list as it was at one revision, and where it goes on. */
export type Walk = z.infer<typeof walk>;

export const encodeCursor = (value: Walk): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** CURSOR_INVALID for anything that `encodeCursor` did not make. */
export const decodeCursor = (cursor: string): Walk => {
  try {
    return walk.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (error) {
    throw new AppError('CURSOR_INVALID', undefined, { cause: error });
  }
};
