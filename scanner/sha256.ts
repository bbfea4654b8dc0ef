import { createHash } from 'node:crypto';

/** sha-256 of a text (as UTF-8) in lower-case hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
