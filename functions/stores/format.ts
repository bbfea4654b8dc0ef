import { AppError } from '../../shared/errors.ts';

/** Version of the stored format: on every item, on every manifest, which stands for its chunks, and on every secret (ADR 0020). */
export const format = 1;

/**
 * What is stored, as it is, where this version can read its format; STORED_FORMAT where a newer version wrote it. What has no format is of
 * the first.
 */
export const readable = <T>(stored: T): T => {
  const written = (stored as { format?: unknown } | undefined)?.format ?? 1;
  if (typeof written === 'number' && written <= format) return stored;
  throw new AppError('STORED_FORMAT', `It has format ${written}; this version reads up to ${format}.`);
};
