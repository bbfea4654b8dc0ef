import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { objectsOf, refusal, type Suite } from './access.ts';

/** What an object can be called, and what its bucket lists. */
export const keys: Suite = (access) => {
  const { put, get, textOf } = objectsOf(access);
  const list = (Prefix: string, more: object = {}) =>
    access().client.send(new ListObjectsV2Command({ Bucket: access().bucket, Prefix, ...more }));
  const putAll = async (prefix: string, names: string[]) => {
    for (const name of names) await put(prefix + name, 'x');
  };
  /** Keys and common prefixes of every page, without the prefix of the case. */
  const pages = async (prefix: string, more: object) => {
    const seen: string[][] = [];
    let token: string | undefined;
    do {
      const page = await list(prefix, { ContinuationToken: token, ...more });
      const names = [
        ...(page.Contents ?? []).map(({ Key = '' }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
      ];
      expect(page.KeyCount).toBe(names.length);
      seen.push(names.map((name) => name.slice(prefix.length)));
      token = page.NextContinuationToken;
      expect(page.IsTruncated).toBe(token !== undefined);
    } while (token !== undefined);
    return seen;
  };

  describe('a key', () => {
    it.each([
      'plain.txt',
      'with space and+plus.txt',
      'per%cent%2Fsign%20',
      'a%2Fb',
      'naïve/日本/🙂',
      'quote\'"<&>',
      'a//b/./c/',
      'question?mark=1&b#fragment',
      "reserved!*'();:@&=+$,[]~",
      'back\\slash|{}^`',
    ])('may be %s', async (name) => {
      const key = access().key(name);
      await put(key, name);
      expect(await textOf(key)).toBe(name);
      expect((await list(key)).Contents?.map((entry) => entry.Key)).toEqual([key]);
    });

    it('differs by case, encoded characters and the form of Unicode', async () => {
      const prefix = access().key('same/');
      const names = ['a', 'A', 'a b', 'a+b', 'a%20b', 'e\u0301', '\u00e9'];
      for (const name of names) await put(prefix + name, name);
      for (const name of names) expect(await textOf(prefix + name)).toBe(name);
    });

    it('has at most 1,024 bytes', async () => {
      const key = access().key();
      const longest = key + 'é'.repeat((1024 - key.length) / 2);
      const fitting = longest + 'x'.repeat(1024 - Buffer.byteLength(longest));
      await put(fitting, 'x');
      expect(await textOf(fitting)).toBe('x');
      expect(await refusal(put(`${fitting}x`, 'x'))).toEqual({ code: 'KeyTooLongError', status: 400 });
      expect((await refusal(get(`${fitting}x`))).code).toBe('KeyTooLongError');
    });
  });

  describe('a listing', () => {
    it('goes on a page at a time, in the byte order of the keys', async () => {
      const prefix = access().key('list/');
      const names = ['a', 'a/b', 'a0', 'b', 'é', '\uffee', '🙂'];
      await putAll(prefix, [...names].reverse());
      const seen = await pages(prefix, { MaxKeys: 2 });
      expect(seen.map((page) => page.length)).toEqual([2, 2, 2, 1]);
      expect(seen.flat()).toEqual(names);
    });

    it('ends with a page that is just full', async () => {
      const prefix = access().key('full/');
      await putAll(prefix, ['a', 'b', 'c', 'd']);
      expect(await pages(prefix, { MaxKeys: 2 })).toEqual([
        ['a', 'b'],
        ['c', 'd'],
      ]);
    });

    it('says of each object what it is', async () => {
      const prefix = access().key('entry/');
      const { ETag } = await put(`${prefix}a`, 'hello');
      const { Contents = [], KeyCount, Name, Prefix } = await list(prefix);
      expect({ KeyCount, Name, Prefix }).toEqual({ KeyCount: 1, Name: access().bucket, Prefix: prefix });
      expect(Contents[0]).toMatchObject({ Key: `${prefix}a`, ETag, Size: 5, StorageClass: 'STANDARD' });
      expect(Contents[0]?.LastModified?.getMilliseconds()).toBe(0);
      expect(Contents[0]?.Owner).toBeUndefined();
    });

    it('rolls up what shares a prefix up to the delimiter, across pages', async () => {
      const prefix = access().key('roll/');
      await putAll(prefix, ['w', 'x/1', 'x/2', 'x/3/4', 'y', 'z/1']);
      expect(await pages(prefix, { Delimiter: '/' })).toEqual([['w', 'y', 'x/', 'z/']]);
      expect(await pages(prefix, { Delimiter: '/', MaxKeys: 1 })).toEqual([['w'], ['x/'], ['y'], ['z/']]);
    });

    it('takes a delimiter of any length', async () => {
      const prefix = access().key('long/');
      await putAll(prefix, ['a--1', 'a--2', 'a-3']);
      expect(await pages(prefix, { Delimiter: '--' })).toEqual([['a-3', 'a--']]);
    });

    it('begins after a key', async () => {
      const prefix = access().key('after/');
      await putAll(prefix, ['a', 'b', 'c']);
      expect(await pages(prefix, { StartAfter: `${prefix}a` })).toEqual([['b', 'c']]);
    });

    it('of no keys at most is empty, and not truncated', async () => {
      const prefix = access().key('none/');
      await putAll(prefix, ['a']);
      expect(await list(prefix, { MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
    });

    it('has neither deleted objects nor older versions', async () => {
      const prefix = access().key('latest/');
      await putAll(prefix, ['a', 'a', 'b']);
      await access().client.send(new DeleteObjectCommand({ Bucket: access().bucket, Key: `${prefix}b` }));
      expect(await pages(prefix, {})).toEqual([['a']]);
    });

    it('encodes keys like the fields of a form where that is asked for', async () => {
      const prefix = access().key('encoded/');
      await putAll(prefix, ['a b+c(1)/*~é']);
      const { Contents = [], EncodingType } = await list(prefix, { EncodingType: 'url' });
      expect(EncodingType).toBe('url');
      expect(Contents.map(({ Key }) => Key)).toEqual([`${prefix}a+b%2Bc%281%29/*%7E%C3%A9`]);
    });

    it.each([
      ['a continuation token that none was given', { ContinuationToken: 'no such token' }],
      ['fewer than no keys', { MaxKeys: -1 }],
      ['another encoding', { EncodingType: 'base64' }],
    ])('with %s is InvalidArgument', async (_, more) => {
      expect(await refusal(list(access().key(), more))).toEqual({ code: 'InvalidArgument', status: 400 });
    });
  });
};
