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
interface ChecksumClaim {
  algorithm: string;
  expected?: string;
}

export interface BodyClaims {
  checksums: ChecksumClaim[];
  /** Content-MD5, as the header has it. */
  md5?: string;
}

export const noClaims: BodyClaims = { checksums: [] };

type Headers = NodeJS.Dict<string | string[]>;

const digestBytes = (algorithm: string): number =>
  Buffer.from(algorithms[algorithm]?.().digest() ?? '', 'base64').length;

const isDigest = (value: string, bytes: number): boolean => {
  const decoded = Buffer.from(value, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === value;
};

const checksumClaims = (headers: Headers): ChecksumClaim[] => {
  const claims: ChecksumClaim[] = Object.entries(headers)
    .filter(([name]) => name.startsWith(prefix) && !otherHeaders.has(name))
    .map(([name, value]) => ({ algorithm: name.slice(prefix.length), expected: String(value) }));
  const trailer = String(headers['x-amz-trailer'] ?? '');
  if (trailer.startsWith(prefix)) claims.push({ algorithm: trailer.slice(prefix.length) });
  return claims;
};

/** What the headers claim of the body. NotImplemented for an algorithm that is not known here, and a refusal of what can be no digest. */
export const claimsOf = (headers: Headers): BodyClaims => {
  const checksums = checksumClaims(headers);
  const md5 = headers['content-md5'];
  const unknown = checksums.find((claim) => !Object.hasOwn(algorithms, claim.algorithm));
  if (unknown) throw notImplemented(`the checksum ${unknown.algorithm}`);
  if (checksums.length > 1)
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  for (const { algorithm, expected } of checksums)
    if (expected !== undefined && !isDigest(expected, digestBytes(algorithm)))
      throw new S3Error('InvalidRequest', `Value for ${prefix}${algorithm} header is invalid.`);
  if (md5 === undefined) return { checksums };
  if (!isDigest(String(md5), 16))
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  return { checksums, md5: String(md5) };
};

export interface Verified {
  /** Hexadecimal: the ETag of an object that was written at once. */
  md5: string;
  checksums: Record<string, string>;
}

export interface Digests {
  update(bytes: Uint8Array): void;
  /** Compares with what was claimed by header, by trailer and by the signature; BadDigest, XAmzContentSHA256Mismatch. */
  verify(trailers: Map<string, string>): Verified;
}

const verified = (
  { algorithm, expected }: ChecksumClaim,
  value: string,
  trailers: Map<string, string>,
): [string, string] => {
  const wanted = expected ?? trailers.get(prefix + algorithm);
  if (wanted === undefined) throw new S3Error('MalformedTrailerError', 'The announced trailer is not there.');
  if (wanted !== value)
    throw new S3Error(
      'BadDigest',
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
  return [algorithm, value];
};

/** Computes, while a body streams by, what a request claims of it; `sha256` is what its signature says. */
export const startDigests = (claims: BodyClaims, sha256?: string): Digests => {
  const md5 = createHash('md5');
  const signed = sha256 === undefined ? undefined : createHash('sha256');
  const sums = claims.checksums.map((claim) => ({
    claim,
    sum: (algorithms[claim.algorithm] as () => Running)(),
  }));
  return {
    update(bytes) {
      md5.update(bytes);
      signed?.update(bytes);
      for (const { sum } of sums) sum.update(bytes);
    },
    verify(trailers) {
      if (signed && signed.digest('hex') !== sha256)
        throw new S3Error(
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
      const digest = md5.digest();
      if (claims.md5 !== undefined && claims.md5 !== digest.toString('base64'))
        throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
      const checksums = Object.fromEntries(
        sums.map(({ claim, sum }) => verified(claim, sum.digest(), trailers)),
      );
      return { md5: digest.toString('hex'), checksums };
    },
  };
};

/** The checksum of an object that is made of parts, from theirs. */
export const composite = (algorithm: string, parts: string[]): string => {
  const sum = (algorithms[algorithm] as () => Running)();
  for (const part of parts) sum.update(Buffer.from(part, 'base64'));
  return `${sum.digest()}-${parts.length}`;
};

/** Sums of the whole and of its parts differ in this. */
const typeOf = (value: string): string => (value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT');

/** Response headers of stored checksums. */
export const checksumHeaders = (checksums: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(checksums).flatMap(([algorithm, value]) => [
      [prefix + algorithm, value],
      ['x-amz-checksum-type', typeOf(value)],
    ]),
  );
