import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { notImplemented, S3Error } from './s3-error.ts';

/** A running checksum; `digest` is base64, as the headers have it. */
interface Running {
  update(bytes: Uint8Array): void;
  digest(): string;
}

const fourBytes = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
};

const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

const crc32c = (bytes: Uint8Array, seed: number): number => {
  let value = ~seed >>> 0;
  for (const byte of bytes) value = (value >>> 8) ^ (crc32cTable[(value ^ byte) & 255] as number);
  return ~value >>> 0;
};

const crc = (step: (bytes: Uint8Array, seed: number) => number): Running => {
  let value = 0;
  return {
    update: (bytes) => {
      value = step(bytes, value);
    },
    digest: () => fourBytes(value),
  };
};

const hashed = (algorithm: string): Running => {
  const hash = createHash(algorithm);
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('base64') };
};

const algorithms: Record<string, () => Running> = {
  crc32: () => crc((bytes, seed) => crc32(bytes, seed)),
  crc32c: () => crc(crc32c),
  sha1: () => hashed('sha1'),
  sha256: () => hashed('sha256'),
};

const prefix = 'x-amz-checksum-';
const otherHeaders = new Set(['x-amz-checksum-mode', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']);

/** What a request claims of its body: an algorithm, and its value in a header now or in a trailer later. */
export interface ChecksumClaim {
  algorithm: string;
  expected?: string;
}

/** The claims in the headers and the announced trailer. NotImplemented for an algorithm that is not known here. */
export const checksumClaims = (headers: NodeJS.Dict<string | string[]>): ChecksumClaim[] => {
  const claims: ChecksumClaim[] = Object.entries(headers)
    .filter(([name]) => name.startsWith(prefix) && !otherHeaders.has(name))
    .map(([name, value]) => ({ algorithm: name.slice(prefix.length), expected: String(value) }));
  const trailer = String(headers['x-amz-trailer'] ?? '');
  if (trailer.startsWith(prefix)) claims.push({ algorithm: trailer.slice(prefix.length) });
  const unknown = claims.find((claim) => !(claim.algorithm in algorithms));
  if (unknown) throw notImplemented(`the checksum ${unknown.algorithm}`);
  return claims;
};

export interface Checksums {
  update(bytes: Uint8Array): void;
  /** Compares with what was claimed, by header or by trailer; BadDigest. Answers the checksums by algorithm. */
  verify(trailers: Map<string, string>): Record<string, string>;
}

/** Computes what a request claims of its body while it streams by. */
export const startChecksums = (claims: ChecksumClaim[]): Checksums => {
  const running = claims.map((claim) => ({
    ...claim,
    sum: (algorithms[claim.algorithm] as () => Running)(),
  }));
  return {
    update: (bytes) => {
      for (const { sum } of running) sum.update(bytes);
    },
    verify: (trailers) =>
      Object.fromEntries(
        running.map(({ algorithm, expected, sum }) => {
          const value = sum.digest();
          const wanted = expected ?? trailers.get(prefix + algorithm);
          if (wanted !== value)
            throw new S3Error('BadDigest', `The ${algorithm} checksum does not match the body.`);
          return [algorithm, value];
        }),
      ),
  };
};

/** Response headers of stored checksums. */
export const checksumHeaders = (checksums: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(checksums).map(([algorithm, value]) => [prefix + algorithm, value]));
