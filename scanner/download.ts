/** Largest object taken, uncompressed: the longest chunk of the longest lines is about 22 MB, a manifest of 20,000 chunks about 10. */
export const largestObject = 32 * 1024 * 1024;

/** Longest time for one object, in milliseconds. */
const patience = 60_000;

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

const boundedBytes = async (response: Response, limit: number): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > limit) throw new Error(`it is larger than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};

/**
 * The bytes behind a presigned link, as they are after Content-Encoding; null when the link is refused (403), as one that
 * has expired is. No message of it shows the link: whoever has the link has the object.
 * @throws Error saying which object and why.
 */
export const download = async (
  { sha256, url }: { sha256: string; url: string },
  signal: AbortSignal,
  limit = largestObject,
): Promise<Buffer | null> => {
  try {
    const both = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    const response = await fetch(url, { signal: both, redirect: 'error' });
    if (response.ok) return await boundedBytes(response, limit);
    await response.body?.cancel();
    if (response.status === 403) return null;
    throw new Error(`the answer was ${response.status}`);
  } catch (error) {
    throw new Error(`The object ${sha256} could not be fetched: ${reasonOf(error)}.`, { cause: error });
  }
};
