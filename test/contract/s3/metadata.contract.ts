import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

/** A text as one word of RFC 2047, in which clients send metadata that is not ASCII. */
const word = (text: string): string => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;

/** The text that words of RFC 2047 stand for; S3 chooses between the two forms. */
const decoded = (value: string): string =>
  value.replace(/\?=\s+=\?/g, '?==?').replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/g, (_, form, text: string) => {
    if (form === 'B') return Buffer.from(text, 'base64').toString();
    return decodeURIComponent(text.replaceAll('_', ' ').replaceAll('%', '%25').replaceAll('=', '%'));
  });

/** What users say of an object. */
export const metadata: Suite = (access) => {
  const { put, head } = objectsOf(access);

  describe('metadata', () => {
    it('comes back as it was given, with names in lower case', async () => {
      const key = access().key();
      await put(key, 'x', { Metadata: { 'On-Invalid': 'skip', activate: 'true', empty: '' } });
      expect((await head(key)).Metadata).toEqual({ 'on-invalid': 'skip', activate: 'true', empty: '' });
    });

    it('belongs to its version of the object', async () => {
      const key = access().key();
      const { VersionId } = await put(key, 'x', { Metadata: { n: '1' } });
      await put(key, 'x', { Metadata: { n: '2' } });
      expect((await head(key, { VersionId })).Metadata).toEqual({ n: '1' });
    });

    it.each(['naïve', '日本語 🙂', 'a=b_c ?ü'])('outside ASCII comes back encoded: %s', async (text) => {
      const key = access().key();
      await put(key, 'x', { Metadata: { text: word(text) } });
      const { text: value = '' } = (await head(key)).Metadata ?? {};
      expect(value).toMatch(/^[\x20-\x7e]+$/);
      expect(decoded(value)).toBe(text);
    });

    it('that is encoded and would not have to be comes back as it is', async () => {
      const key = access().key();
      await put(key, 'x', { Metadata: { text: word('plain') } });
      expect((await head(key)).Metadata).toEqual({ text: 'plain' });
    });

    it('above two kilobytes is MetadataTooLarge', async () => {
      const key = access().key();
      await put(key, 'x', { Metadata: { a: 'x'.repeat(2047) } });
      const larger = put(key, 'x', { Metadata: { a: 'x'.repeat(2048) } });
      expect(await refusal(larger)).toEqual({ code: 'MetadataTooLarge', status: 400 });
    });
  });
};
