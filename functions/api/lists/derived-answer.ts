import type { DerivedName } from '../../../shared/domain/derived.ts';
import type { Answer } from '../../lib/http.ts';
import { derivedKey, wantDerived } from '../../stores/derived.ts';
import { presignedGet } from '../../stores/presigned.ts';

const linkSeconds = 900;
const retrySeconds = 2;

/** Where an object that was made of a list can be had. */
export const linkTo = async (root: string, file: string, now: Date) => ({
  url: await presignedGet(derivedKey(root, file), linkSeconds),
  expiresAt: new Date(now.getTime() + linkSeconds * 1000).toISOString(),
});

/** Has it made, and says so. */
export const pending = async (root: string, name: DerivedName, now: Date): Promise<Answer> => {
  await wantDerived(root, name, now);
  return {
    status: 202,
    body: { state: 'pending', root },
    headers: { 'retry-after': String(retrySeconds) },
  };
};
