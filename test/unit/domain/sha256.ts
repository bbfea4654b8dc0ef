import { createHash } from 'node:crypto';

/** The hash that the functions use. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
