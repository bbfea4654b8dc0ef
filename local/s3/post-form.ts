import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { makeVisible } from './object-operations.ts';
import { type Blob, noChecksums } from './object-store.ts';
import { type FormFields, judgePolicy } from './post-policy.ts';
import { type S3Context, type S3Request, sendEmpty, sendXml, versionHeader } from './request.ts';
import { S3Error } from './s3-error.ts';
import { type SignatureOptions, verifyPolicy } from './signature.ts';

const fieldsLimit = 20_000;

interface Form {
  fields: Map<string, string>;
  fileName: string;
  blob: Blob;
  key: string;
}

/** What the fields before the file allow; the fields after it are ignored, as S3 does. */
const judge = (bucket: string, fields: FormFields, options: SignatureOptions) => {
  const policy = fields.get('policy');
  if (policy === undefined) throw new S3Error('AccessDenied', 'The form has no policy.');
  verifyPolicy(
    policy,
    {
      algorithm: fields.get('x-amz-algorithm'),
      credential: fields.get('x-amz-credential'),
      date: fields.get('x-amz-date'),
      signature: fields.get('x-amz-signature'),
    },
    options,
  );
  return judgePolicy(policy, new Map([...fields, ['bucket', bucket]]), options.now());
};

const keyOf = (fields: FormFields, fileName: string): string => {
  const key = fields.get('key');
  if (!key) throw new S3Error('InvalidArgument', 'The form has no key.');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is S3's placeholder, which the form carries as it stands.
  return key.replaceAll('${filename}', fileName);
};

const parserOf = (http: IncomingMessage) => {
  try {
    return busboy({ headers: http.headers, limits: { fieldSize: fieldsLimit, files: 1 } });
  } catch (error) {
    throw new S3Error('MalformedPOSTRequest', (error as Error).message);
  }
};

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

    const take = async (stream: Readable, fileName: string): Promise<Form> => {
      const { minBytes, maxBytes } = judge(bucket, fields, options);
      const key = keyOf(fields, fileName);
      const limit = maxBytes === undefined ? {} : { limit: maxBytes };
      const blob = await context.store.write(
        { bytes: stream as AsyncIterable<Buffer>, trailers: new Map() },
        { checksums: noChecksums(), ...limit },
      );
      if (blob.size >= minBytes) return { fields, fileName, blob, key };
      context.store.discard(blob.file);
      throw new S3Error('EntityTooSmall', 'The upload is smaller than the form allows.');
    };

    parser.on('field', (name, value) => {
      if (!taken) fields.set(name.toLowerCase(), value);
    });
    parser.on('file', (_name, stream, { filename }) => {
      taken = take(stream, filename ?? '');
      taken.catch((error: unknown) => {
        stream.resume();
        reject(error as Error);
      });
    });
    parser.on('error', (error) => reject(new S3Error('MalformedPOSTRequest', (error as Error).message)));
    parser.on('close', () => {
      if (taken) taken.then(resolve, reject);
      else reject(new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.'));
    });
    http.on('close', () => {
      if (!http.complete) parser.destroy(new Error('The upload broke off.'));
    });
    http.pipe(parser);
  });

const metadataIn = (fields: FormFields): Record<string, string> =>
  Object.fromEntries(
    [...fields]
      .filter(([name]) => name.startsWith('x-amz-meta-'))
      .map(([name, value]) => [name.slice('x-amz-meta-'.length), value]),
  );

const keptFields = ['content-type', 'content-encoding', 'content-disposition', 'cache-control'];

const headersIn = (fields: FormFields): Record<string, string> => ({
  'content-type': 'binary/octet-stream',
  ...Object.fromEntries(keptFields.flatMap((name) => (fields.has(name) ? [[name, fields.get(name)]] : []))),
});

/** An upload by a signed form (S3 API reference, "POST Object"). */
export const postObject = async (
  context: S3Context,
  request: S3Request,
  options: SignatureOptions,
): Promise<void> => {
  const { bucket, http } = request;
  const { fields, blob, key } = await readForm(context, http, bucket, options);
  const put = () =>
    context.store.put({
      bucket,
      key,
      deleteMarker: false,
      size: blob.size,
      etag: blob.md5,
      file: blob.file,
      headers: headersIn(fields),
      metadata: metadataIn(fields),
      checksums: {},
    });
  const object = makeVisible(context, { ...request, key }, blob.file, put, 'POST Object');
  const headers = { etag: `"${object.etag}"`, ...versionHeader(context, object) };
  const status = fields.get('success_action_status');
  if (status !== '201') return sendEmpty(request, status === '200' ? 200 : 204, headers);
  request.response.setHeaders(new Map(Object.entries(headers)));
  sendXml(request, 'PostResponse', { Bucket: bucket, Key: key, ETag: `"${object.etag}"` }, 201);
};
