import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { checksumClaims, checksumHeaders, startChecksums } from './checksums.ts';
import { makeVisible } from './object-operations.ts';
import {
  headersToKeep,
  metadataOf,
  type Operation,
  readText,
  type S3Context,
  type S3Request,
  sendEmpty,
  sendXml,
  versionHeader,
} from './request.ts';
import { S3Error } from './s3-error.ts';
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

export const createMultipartUpload: Operation = ({ state, now }, request) => {
  const { bucket, key, http } = request;
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
  sendXml(request, 'InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: uploadId });
};

export const uploadPart: Operation = async (context, request) => {
  const upload = uploadOf(context, request);
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > mostParts)
    throw new S3Error('InvalidArgument', `Part numbers are 1 to ${mostParts}.`);
  const blob = await context.store.write(payloadOf(request.http, request.payload), {
    checksums: startChecksums(checksumClaims(request.http.headers)),
  });
  const replaced = partsOf(context, upload).find((part) => part.number === number);
  context.state.db
    .prepare('INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?, ?, ?)')
    .run(upload.upload_id, number, blob.size, blob.md5, blob.file, context.now().getTime());
  if (replaced) context.store.discard(replaced.file);
  sendEmpty(request, 200, { etag: `"${blob.md5}"`, ...checksumHeaders(blob.checksums) });
};

/** The parts that a client names, in order, each as it was uploaded. */
const chosenParts = (asked: { PartNumber: string; ETag: string }[], parts: Part[]): Part[] => {
  const chosen = asked.map(({ PartNumber, ETag }) => {
    const part = parts.find((one) => one.number === Number(PartNumber));
    if (!part || `"${part.etag}"` !== String(ETag).replace(/^"?([^"]*)"?$/, '"$1"'))
      throw new S3Error('InvalidPart', `Part ${PartNumber} is not there, or not with this ETag.`);
    return part;
  });
  if (chosen.length === 0)
    throw new S3Error('MalformedXML', 'An upload is completed from at least one part.');
  if (chosen.some((part, index) => index > 0 && part.number <= (chosen[index - 1]?.number ?? 0)))
    throw new S3Error('InvalidPartOrder', 'Parts are named in ascending order.');
  if (chosen.slice(0, -1).some((part) => part.size < smallestPart))
    throw new S3Error('EntityTooSmall', 'A part other than the last is smaller than 5 MiB.');
  return chosen;
};

const joinParts = async (context: S3Context, parts: Part[]): Promise<string> => {
  const file = randomUUID();
  const target = createWriteStream(context.store.path(file));
  for (const part of parts)
    await pipeline(createReadStream(context.store.path(part.file)), target, { end: false });
  await new Promise<void>((resolve, reject) => {
    target.once('error', reject);
    target.end(resolve);
  });
  return file;
};

const combinedEtag = (parts: Part[]): string => {
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')));
  return `${createHash('md5').update(digests).digest('hex')}-${parts.length}`;
};

export const completeMultipartUpload: Operation = async (context, request) => {
  const upload = uploadOf(context, request);
  const text = await readText(payloadOf(request.http, request.payload).bytes);
  const { Part: asked = [] } = parseXml(text, 'CompleteMultipartUpload') as {
    Part?: { PartNumber: string; ETag: string }[];
  };
  const all = partsOf(context, upload);
  const parts = chosenParts(asked, all);
  const file = await joinParts(context, parts);
  const { bucket, key } = request;
  const put = () => {
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
      checksums: {},
    });
  };
  const object = makeVisible(context, request, file, put, 'CompleteMultipartUpload');
  for (const part of all) context.store.discard(part.file);
  request.response.setHeaders(new Map(Object.entries(versionHeader(context, object))));
  sendXml(request, 'CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${object.etag}"` });
};

export const abortMultipartUpload: Operation = (context, request) => {
  const upload = uploadOf(context, request);
  const parts = partsOf(context, upload);
  context.state.transaction(() => forget(context, upload));
  for (const part of parts) context.store.discard(part.file);
  sendEmpty(request, 204);
};

export const listParts: Operation = (context, request) => {
  const upload = uploadOf(context, request);
  sendXml(request, 'ListPartsResult', {
    Bucket: request.bucket,
    Key: request.key,
    UploadId: upload.upload_id,
    IsTruncated: false,
    Part: partsOf(context, upload).map((part) => ({
      PartNumber: part.number,
      ETag: `"${part.etag}"`,
      Size: part.size,
      LastModified: new Date(part.last_modified).toISOString(),
    })),
  });
};
