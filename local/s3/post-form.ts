import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import type { BucketEncryption } from '../model.ts';
import { type BodyClaims, claimsOf } from './checksums.ts';
import { encryptionHeaders } from './encryption.ts';
import { assertTravels, metadataIn } from './metadata.ts';
import { makeVisible } from './object-operations.ts';
import type { Blob } from './object-store.ts';
import { onObject } from './permissions.ts';
import { type FormFields, judgePolicy } from './post-policy.ts';
import {
  assertKey,
  demandKeyOf,
  type S3Context,
  type S3Request,
  sendEmpty,
  sendXml,
  versionHeader,
} from './request.ts';
import { S3Error } from './s3-error.ts';
import { encodeUri, type SignatureOptions, verifyPolicy } from './signature.ts';
import { assertSupported } from './unsupported.ts';

/** Most bytes of all fields before the file (S3 API reference, "POST Object"). */
const fieldsLimit = 20 * 1024;

interface Form {
  fields: FormFields;
  blob: Blob;
  key: string;
  described: Described;
}

/** What the fields say of the object that is to be. */
interface Described {
  headers: Record<string, string>;
  metadata: Record<string, string>;
  claims: BodyClaims;
}

/** What the fields before the file allow; the fields after it are ignored, as S3 does. */
const judge = (bucket: string, fields: FormFields, options: SignatureOptions) => {
  const policy = fields.get('policy');
  if (policy === undefined) throw new S3Error('AccessDenied', 'The form has no policy.');
  const principal = verifyPolicy(
    policy,
    {
      algorithm: fields.get('x-amz-algorithm'),
      credential: fields.get('x-amz-credential'),
      date: fields.get('x-amz-date'),
      signature: fields.get('x-amz-signature'),
    },
    options,
  );
  const verdict = judgePolicy(policy, new Map([...fields, ['bucket', bucket]]), options.now());
  return { ...verdict, principal };
};

const keptFields = ['content-type', 'content-encoding', 'content-disposition', 'cache-control', 'expires'];

const headersIn = (fields: FormFields): Record<string, string> => {
  const given = [...fields].filter(([name]) => keptFields.includes(name));
  for (const [name, value] of given) assertTravels(name, value);
  return { 'content-type': 'binary/octet-stream', ...Object.fromEntries(given) };
};

const describedBy = (fields: FormFields, encryption?: BucketEncryption): Described => {
  assertSupported(fields, encryption);
  return {
    headers: headersIn(fields),
    metadata: metadataIn(fields),
    claims: claimsOf(Object.fromEntries(fields)),
  };
};

const keyOf = (fields: FormFields, fileName: string): string => {
  const key = fields.get('key');
  if (!key) throw new S3Error('InvalidArgument', 'The form has no key.');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is S3's placeholder, which the form carries as it stands.
  const named = key.replaceAll('${filename}', () => fileName);
  assertKey(named);
  return named;
};

const parserOf = (http: IncomingMessage) => {
  try {
    return busboy({ headers: http.headers, limits: { fieldSize: fieldsLimit + 1, files: 1 } });
  } catch (error) {
    throw new S3Error('MalformedPOSTRequest', (error as Error).message);
  }
};

const oneFile = (): S3Error =>
  new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.');

const tooManyFields = (): S3Error =>
  new S3Error(
    'MaxPostPreDataLengthExceededError',
    'Your POST request fields preceding the upload file were too large.',
  );

/** Reads the form as it streams by: the fields, then the file, which is written while its size is watched. */
const readForm = (
  context: S3Context,
  http: IncomingMessage,
  bucket: string,
  options: SignatureOptions,
): Promise<Form> =>
  new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const parser = parserOf(http);
    let taken: Promise<Form> | undefined;
    let fieldBytes = 0;

    const take = async (stream: Readable, fileName: string): Promise<Form> => {
      const { minBytes, maxBytes, principal } = judge(bucket, fields, options);
      const key = keyOf(fields, fileName);
      principal.demand(onObject('PutObject')({ bucket, key, query: new Map() }));
      demandKeyOf(context, { principal, bucket, key }, 'kms:GenerateDataKey');
      const described = describedBy(fields, context.buckets.get(bucket)?.encryption);
      const bytes = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      const payload = { bytes, trailers: new Map() };
      const blob = await context.store.write(bucket, payload, described.claims, maxBytes);
      if (blob.size >= minBytes) return { fields, blob, key, described };
      context.store.discard(blob.file);
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    };

    parser.on('field', (name, value) => {
      if (taken) return;
      fieldBytes += Buffer.byteLength(name + value);
      if (fieldBytes > fieldsLimit) reject(tooManyFields());
      else fields.set(name.toLowerCase(), value);
    });
    parser.on('file', (name, stream, { filename }) => {
      taken =
        name === 'file' && fieldBytes <= fieldsLimit
          ? take(stream, filename ?? '')
          : Promise.reject(oneFile());
      taken.catch((error: unknown) => {
        stream.resume();
        reject(error as Error);
      });
    });
    parser.on('filesLimit', () => {
      taken = taken?.then(({ blob }) => {
        context.store.discard(blob.file);
        throw oneFile();
      });
      taken?.catch(reject);
    });
    parser.on('error', (error) => reject(new S3Error('MalformedPOSTRequest', (error as Error).message)));
    parser.on('close', () => {
      if (taken) taken.then(resolve, reject);
      else reject(oneFile());
    });
    http.on('close', () => {
      if (!http.complete) parser.destroy(new Error('The upload broke off.'));
    });
    http.pipe(parser);
  });

/** An upload by a signed form (S3 API reference, "POST Object"). */
export const postObject = async (
  context: S3Context,
  request: S3Request,
  options: SignatureOptions,
): Promise<void> => {
  const { bucket, http } = request;
  if (http.headers['content-length'] === undefined)
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  const { fields, blob, key, described } = await readForm(context, http, bucket, options);
  const put = () =>
    context.store.put({
      bucket,
      key,
      deleteMarker: false,
      size: blob.size,
      etag: blob.etag,
      file: blob.file,
      headers: described.headers,
      metadata: described.metadata,
      checksums: blob.checksums,
    });
  const object = makeVisible(context, { ...request, key }, blob.file, put, 'POST Object');
  const location = `http://${http.headers.host}/${bucket}/${encodeUri(key)}`;
  const headers = {
    etag: `"${object.etag}"`,
    location,
    ...versionHeader(context, object),
    ...encryptionHeaders(context, object),
  };
  const status = fields.get('success_action_status');
  if (status !== '201') return sendEmpty(request, status === '200' ? 200 : 204, headers);
  request.response.setHeaders(new Map(Object.entries(headers)));
  const answer = { Location: location, Bucket: bucket, Key: key, ETag: `"${object.etag}"` };
  sendXml(request, 'PostResponse', answer, 201);
};
