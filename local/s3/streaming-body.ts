import type { IncomingMessage } from 'node:http';
import { notImplemented, S3Error } from './s3-error.ts';

const lineLimit = 4096;

/** Largest object that one request can write (S3 quotas). */
export const mostBytes = 5 * 1024 ** 3;

const incomplete = (): S3Error =>
  new S3Error(
    'IncompleteBody',
    'The body has not the number of bytes that x-amz-decoded-content-length says.',
  );

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
  decodedLength: number,
): AsyncGenerator<Buffer> {
  const reader = byteReader(source);
  let decoded = 0;
  for (let size = chunkSize(await reader.line()); size > 0; size = chunkSize(await reader.line())) {
    decoded += size;
    if (decoded > decodedLength) throw incomplete();
    yield* reader.bytes(size);
    if ((await reader.line()) !== '') throw new S3Error('InvalidRequest', 'A chunk is longer than its size.');
  }
  if (decoded !== decodedLength) throw incomplete();
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

const streaming = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** How many bytes the request says that it has. S3 takes no body whose length it does not know beforehand. */
const lengthOf = ({ headers }: IncomingMessage, claimed: string): number => {
  const length = claimed === streaming ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (length === undefined && claimed !== streaming && headers['transfer-encoding'] !== undefined)
    throw notImplemented('bodies of unknown length (Transfer-Encoding)');
  if (length === undefined || !/^\d+$/.test(String(length)))
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  if (Number(length) > mostBytes)
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
  return Number(length);
};

/** How the body is to be read, from what the signature says of it. A refusal in the middle leaves the connection to answer on. */
export const payloadOf = (http: IncomingMessage, claimed: string): Payload => {
  const trailers = new Map<string, string>();
  const length = lengthOf(http, claimed);
  const bytes = http.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  if (claimed === 'UNSIGNED-PAYLOAD') return { bytes, trailers };
  if (claimed === streaming) return { bytes: decodeChunks(bytes, trailers, length), trailers };
  if (/^[0-9a-f]{64}$/.test(claimed)) return { bytes, trailers, sha256: claimed };
  throw notImplemented(`the payload form ${claimed}`);
};
