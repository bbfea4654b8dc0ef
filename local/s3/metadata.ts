import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

const metadataPrefix = 'x-amz-meta-';

/** Most bytes of all names and values of an object's metadata together (S3 user guide, "Working with object metadata"). */
const metadataLimit = 2048;

const encodedWord = /=\?utf-8\?([bq])\?([^?\s]*)\?=/gi;

const fromQ = (text: string): Buffer =>
  Buffer.from(
    text
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );

/** The text that a header's value stands for: words that are encoded by RFC 2047 are what they encode. */
const decodeWords = (value: string): string =>
  value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(encodedWord, (_, form: string, text: string) =>
      (form.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : fromQ(text)).toString('utf8'),
    );

/** A text as the value of a header: itself where that can travel, else one word of RFC 2047. */
const encodeWords = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;

const sizeOf = (metadata: Record<string, string>): number =>
  Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);

/** The metadata among named values, as text. MetadataTooLarge above 2 KB; InvalidArgument for a name that no header can have. */
export const metadataIn = (values: Iterable<[string, string]>): Record<string, string> => {
  const metadata = Object.fromEntries(
    [...values]
      .filter(([name]) => name.startsWith(metadataPrefix))
      .map(([name, value]) => [name.slice(metadataPrefix.length), decodeWords(value)]),
  );
  if (Object.keys(metadata).some((name) => !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)))
    throw new S3Error('InvalidArgument', 'A name of metadata is not the name of a header.');
  if (sizeOf(metadata) > metadataLimit)
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size');
  return metadata;
};

export const metadataOf = (http: IncomingMessage): Record<string, string> =>
  metadataIn(Object.entries(http.headers).map(([name, value]) => [name, String(value)]));

export const metadataHeaders = (metadata: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [metadataPrefix + name, encodeWords(value)]),
  );

/** Refuses a value that an answer could not have as a header. */
export const assertTravels = (name: string, value: string): void => {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new S3Error('InvalidArgument', `${name}: Header value cannot be represented using ISO-8859-1.`);
};
