import { notImplemented, S3Error } from './s3-error.ts';

const lineLimit = 4096;

/** Bytes of a stream, asked for by line or by number. */
const byteReader = (source: AsyncIterable<Buffer>) => {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  const more = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done) throw new S3Error('IncompleteBody', 'The body ended before its last chunk.');
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
  };

  return {
    async line(): Promise<string> {
      for (;;) {
        const end = held.indexOf('\r\n');
        if (end >= 0) {
          const text = held.toString('latin1', 0, end);
          held = held.subarray(end + 2);
          return text;
        }
        if (held.length > lineLimit)
          throw new S3Error('InvalidRequest', 'A line between chunks is too long.');
        await more();
      }
    },
    async *bytes(count: number): AsyncGenerator<Buffer> {
      let left = count;
      while (left > 0) {
        if (held.length === 0) await more();
        const piece = held.subarray(0, left);
        held = held.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    },
  };
};

const chunkSize = (line: string): number => {
  const [size = ''] = line.split(';');
  if (!/^[0-9a-f]{1,12}$/i.test(size)) throw new S3Error('InvalidRequest', 'A chunk has no size.');
  return Number.parseInt(size, 16);
};

/**
 * The bytes inside an `aws-chunked` body; what follows its last chunk is put into `trailers` (S3 API reference, "Transferring payload in
 * multiple chunks").
 */
export async function* decodeChunks(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = byteReader(source);
  for (let size = chunkSize(await reader.line()); size > 0; size = chunkSize(await reader.line())) {
    yield* reader.bytes(size);
    if ((await reader.line()) !== '') throw new S3Error('InvalidRequest', 'A chunk is longer than its size.');
  }
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const at = line.indexOf(':');
    trailers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
}

export interface Payload {
  bytes: AsyncIterable<Buffer>;
  trailers: Map<string, string>;
  /** The sha-256 that the signature claims, to be compared with that of the body. */
  sha256?: string;
}

/** How the body is to be read, from what the signature says of it. */
export const payloadOf = (source: AsyncIterable<Buffer>, claimed: string): Payload => {
  const trailers = new Map<string, string>();
  if (claimed === 'UNSIGNED-PAYLOAD') return { bytes: source, trailers };
  if (claimed === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    return { bytes: decodeChunks(source, trailers), trailers };
  if (/^[0-9a-f]{64}$/.test(claimed)) return { bytes: source, trailers, sha256: claimed };
  throw notImplemented(`the payload form ${claimed}`);
};
