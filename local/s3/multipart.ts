import { createHash, randomBytes } from 'node:crypto';
import {
  type BodyClaims,
  checksumHeaders,
  claimsOf,
  composite,
  noClaims,
  startDigests,
} from './checksums.ts';
import { assertMayWrite } from './conditions.ts';
import { encryptionHeaders, headersOfEncryption } from './encryption.ts';
import { metadataOf } from './metadata.ts';
import { makeVisible } from './object-operations.ts';
import type { Blob } from './object-store.ts';
import {
  demandKeyOf,
  headersToKeep,
  type Operation,
  readText,
  type S3Context,
  type S3Request,
  sendEmpty,
  sendXml,
  versionHeader,
} from './request.ts';
import { notImplemented, S3Error } from './s3-error.ts';
import { encodeUri } from './signature.ts';
import { payloadOf } from './streaming-body.ts';
import { parseXml } from './xml.ts';

interface Part {
  number: number;
  size: number;
  etag: string;
  file: string;
  last_modified: number;
}

interface Upload {
  upload_id: string;
  headers: string;
  metadata: string;
}

/** S3 quotas: parts are numbered 1 to 10,000, and all but the last have 5 MiB or more. */
const mostParts = 10_000;
const smallestPart = 5 * 1024 * 1024;

const uploadOf = ({ state }: S3Context, { bucket, key, query }: S3Request): Upload => {
  const row = state.db
    .prepare('SELECT * FROM s3_uploads WHERE upload_id = ? AND bucket = ? AND key = ?')
    .get(query.get('uploadId') ?? '', bucket, Buffer.from(key));
  if (!row) throw new S3Error('NoSuchUpload', 'The specified multipart upload does not exist.');
  return row as unknown as Upload;
};

const partsOf = ({ state }: S3Context, upload: Upload): Part[] =>
  state.db
    .prepare('SELECT * FROM s3_parts WHERE upload_id = ? ORDER BY number')
    .all(upload.upload_id) as unknown as Part[];

const forget = ({ state }: S3Context, upload: Upload): void => {
  state.db.prepare('DELETE FROM s3_parts WHERE upload_id = ?').run(upload.upload_id);
  state.db.prepare('DELETE FROM s3_uploads WHERE upload_id = ?').run(upload.upload_id);
};

const algorithmHeader = 'x-amz-checksum-algorithm';
const typeHeader = 'x-amz-checksum-type';

export const createMultipartUpload: Operation = (context, request) => {
  demandKeyOf(context, request, 'kms:GenerateDataKey');
  const { state, buckets, now } = context;
  const { bucket, key, http, response } = request;
  const { [algorithmHeader]: algorithm, [typeHeader]: type = 'COMPOSITE' } = http.headers;
  if (type !== 'COMPOSITE') throw notImplemented(`checksums of the type ${type} for uploads in parts`);
  const uploadId = randomBytes(24).toString('base64url');
  state.db
    .prepare('INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?, ?)')
    .run(
      uploadId,
      bucket,
      Buffer.from(key),
      JSON.stringify(headersToKeep(http)),
      JSON.stringify(metadataOf(http)),
      now().getTime(),
    );
  response.setHeaders(new Map(Object.entries(headersOfEncryption(buckets.get(bucket)?.encryption))));
  if (algorithm !== undefined)
    response.setHeaders(
      new Map([
        [algorithmHeader, String(algorithm)],
        [typeHeader, String(type)],
      ]),
    );
  sendXml(request, 'InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: uploadId });
};

/** Names a part, if its upload is still there, and answers the one that it replaces. */
const keepPart = (
  context: S3Context,
  request: S3Request,
  { number, blob }: { number: number; blob: Blob },
): Part | undefined => {
  try {
    return context.state.transaction(() => {
      const upload = uploadOf(context, request);
      const replaced = partsOf(context, upload).find((part) => part.number === number);
      context.state.db
        .prepare('INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?, ?, ?)')
        .run(upload.upload_id, number, blob.size, blob.etag, blob.file, context.now().getTime());
      return replaced;
    });
  } catch (error) {
    context.store.discard(blob.file);
    throw error;
  }
};

export const uploadPart: Operation = async (context, request) => {
  uploadOf(context, request);
  demandKeyOf(context, request, 'kms:GenerateDataKey', 'kms:Decrypt');
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > mostParts)
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${mostParts}, inclusive`,
    );
  const blob = await context.store.write(
    request.bucket,
    payloadOf(request.http, request.payload),
    claimsOf(request.http.headers),
  );
  const replaced = keepPart(context, request, { number, blob });
  if (replaced) context.store.discard(replaced.file);
  sendEmpty(request, 200, {
    etag: `"${blob.etag}"`,
    ...encryptionHeaders(context, { bucket: request.bucket, file: blob.file }),
    ...checksumHeaders(blob.checksums),
  });
};

/** A part as a client names it, with the checksum that it had for an answer, if any. */
interface AskedPart {
  PartNumber: string;
  ETag: string;
  [checksum: `Checksum${string}`]: string;
}

const askedParts = (text: string): AskedPart[] => {
  const { Part: asked = [] } = parseXml(text, 'CompleteMultipartUpload') as { Part?: AskedPart[] };
  const named = ({ PartNumber, ETag }: AskedPart) => /^\d+$/.test(PartNumber) && typeof ETag === 'string';
  if (asked.length === 0 || !asked.every(named))
    throw new S3Error(
      'MalformedXML',
      'An upload is completed from at least one part, each with number and ETag.',
    );
  return asked;
};

const invalidPart = (number: string): S3Error =>
  new S3Error('InvalidPart', `Part ${number} could not be found, or has not this entity tag or checksum.`);

/** The parts that a client names, in order, each as it was uploaded. */
const chosenParts = (asked: AskedPart[], parts: Part[]): Part[] => {
  const chosen = asked.map(({ PartNumber, ETag }) => {
    const part = parts.find((one) => one.number === Number(PartNumber));
    if (part?.etag !== ETag.trim().replace(/^"(.*)"$/, '$1')) throw invalidPart(PartNumber);
    return part;
  });
  if (chosen.some((part, index) => index > 0 && part.number <= (chosen[index - 1]?.number ?? 0)))
    throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
  if (chosen.slice(0, -1).some((part) => part.size < smallestPart))
    throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  return chosen;
};

const claimsOfPart = (asked: AskedPart): BodyClaims => {
  const [name, value] = Object.entries(asked).find(([member]) => member.startsWith('Checksum')) ?? [];
  if (name === undefined || value === undefined) return noClaims;
  const algorithm = name.slice('Checksum'.length).toLowerCase();
  return claimsOf({ [`x-amz-checksum-${algorithm}`]: value.trim() });
};

interface Joined {
  file: string;
  checksums: Record<string, string>;
}

/** Writes the parts into one file, holding each to the checksum that the client names. */
const joinParts = async (
  { store }: S3Context,
  bucket: string,
  parts: Part[],
  asked: AskedPart[],
): Promise<Joined> => {
  const sums: [string, string][] = [];
  const bytes = async function* () {
    for (const [index, part] of parts.entries()) {
      const digests = startDigests(claimsOfPart(asked[index] as AskedPart));
      for await (const piece of store.read(part.file)) {
        digests.update(piece);
        yield piece;
      }
      sums.push(...Object.entries(digests.verify(new Map()).checksums));
    }
  };
  const file = await store.rewrite(bucket, bytes());
  return { file, checksums: joinedChecksums(sums, parts.length) };
};

/** The checksum of the whole, where every part was named with one of the same algorithm. */
const joinedChecksums = (sums: [string, string][], parts: number): Record<string, string> => {
  const [[algorithm] = ['']] = sums;
  if (sums.length !== parts || sums.some(([other]) => other !== algorithm)) return {};
  return {
    [algorithm]: composite(
      algorithm,
      sums.map(([, value]) => value),
    ),
  };
};

const combinedEtag = (parts: Part[]): string => {
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')));
  return `${createHash('md5').update(digests).digest('hex')}-${parts.length}`;
};

/** Joins what the client names. A part that vanished meanwhile did so with its upload; a checksum that is not its is no such part. */
const join = async (
  context: S3Context,
  request: S3Request,
  parts: Part[],
  asked: AskedPart[],
): Promise<Joined> => {
  try {
    return await joinParts(context, request.bucket, parts, asked);
  } catch (error) {
    uploadOf(context, request);
    if (error instanceof S3Error && error.code === 'BadDigest') throw invalidPart('with a checksum');
    throw error;
  }
};

export const completeMultipartUpload: Operation = async (context, request) => {
  const { bucket, key, http, response } = request;
  if (claimsOf(http.headers).checksums.length > 0) throw notImplemented('a checksum of the whole object');
  const upload = uploadOf(context, request);
  demandKeyOf(context, request, 'kms:Decrypt');
  const asked = askedParts(await readText(request, noClaims));
  assertMayWrite(context, request);
  const all = partsOf(context, upload);
  const parts = chosenParts(asked, all);
  const { file, checksums } = await join(context, request, parts, asked);
  const put = () => {
    uploadOf(context, request);
    forget(context, upload);
    return context.store.put({
      bucket,
      key,
      deleteMarker: false,
      size: parts.reduce((sum, part) => sum + part.size, 0),
      etag: combinedEtag(parts),
      file,
      headers: JSON.parse(upload.headers) as Record<string, string>,
      metadata: JSON.parse(upload.metadata) as Record<string, string>,
      checksums,
    });
  };
  const object = makeVisible(context, request, file, put, 'CompleteMultipartUpload');
  for (const part of all) context.store.discard(part.file);
  const headers = { ...versionHeader(context, object), ...encryptionHeaders(context, object) };
  response.setHeaders(new Map(Object.entries(headers)));
  sendXml(request, 'CompleteMultipartUploadResult', {
    Location: `http://${http.headers.host}/${bucket}/${encodeUri(key)}`,
    Bucket: bucket,
    Key: key,
    ETag: `"${object.etag}"`,
    ...Object.fromEntries(
      Object.entries(checksums).map(([algorithm, value]) => [`Checksum${algorithm.toUpperCase()}`, value]),
    ),
    ...(Object.keys(checksums).length > 0 ? { ChecksumType: 'COMPOSITE' } : {}),
  });
};

export const abortMultipartUpload: Operation = (context, request) => {
  const upload = uploadOf(context, request);
  const parts = partsOf(context, upload);
  context.state.transaction(() => forget(context, upload));
  for (const part of parts) context.store.discard(part.file);
  sendEmpty(request, 204);
};

const wholeNumber = (query: Map<string, string>, name: string, otherwise: number): number => {
  const value = Number(query.get(name) ?? otherwise);
  if (!Number.isInteger(value) || value < 0)
    throw new S3Error('InvalidArgument', `Argument ${name} must be an integer.`);
  return value;
};

export const listParts: Operation = (context, request) => {
  const { bucket, key, query } = request;
  const upload = uploadOf(context, request);
  const most = Math.min(1000, wholeNumber(query, 'max-parts', 1000));
  const after = wholeNumber(query, 'part-number-marker', 0);
  const left = partsOf(context, upload).filter((part) => part.number > after);
  const page = left.slice(0, most);
  sendXml(request, 'ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: upload.upload_id,
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: most,
    IsTruncated: left.length > page.length,
    Part: page.map((part) => ({
      PartNumber: part.number,
      ETag: `"${part.etag}"`,
      Size: part.size,
      LastModified: new Date(part.last_modified).toISOString(),
    })),
  });
};
