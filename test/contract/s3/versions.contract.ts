import { DeleteObjectCommand, DeleteObjectsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { headersOfRefusal, objectsOf, refusal, type Suite } from './access.ts';

/** Versions of objects and their delete markers. */
export const versions: Suite = (access) => {
  const { at, put, get, head, textOf } = objectsOf(access);
  const remove = (Key: string, VersionId?: string) =>
    access().client.send(new DeleteObjectCommand({ ...at(Key), VersionId }));
  const list = (Prefix: string, more: object = {}) =>
    access().client.send(new ListObjectVersionsCommand({ Bucket: access().bucket, Prefix, ...more }));

  describe('a version', () => {
    it('stays readable by its id under a newer one and under a delete marker', async () => {
      const key = access().key();
      const [first, second] = [await put(key, 'one'), await put(key, 'two')];
      const marker = await remove(key);
      expect(first.VersionId).not.toBe(second.VersionId);
      expect(marker.DeleteMarker).toBe(true);
      expect((await refusal(get(key))).code).toBe('NoSuchKey');
      expect(await textOf(key, { VersionId: first.VersionId })).toBe('one');
      expect(await textOf(key, { VersionId: second.VersionId })).toBe('two');
    });

    it('is named in the answer to a read', async () => {
      const key = access().key();
      const { VersionId } = await put(key, 'x');
      expect((await head(key)).VersionId).toBe(VersionId);
      expect((await head(key, { VersionId })).VersionId).toBe(VersionId);
    });

    it('deleted by its id is gone for good, and the one before it is the latest', async () => {
      const key = access().key();
      await put(key, 'one');
      const { VersionId } = await put(key, 'two');
      expect((await remove(key, VersionId)).VersionId).toBe(VersionId);
      expect(await textOf(key)).toBe('one');
      expect(await refusal(get(key, { VersionId }))).toEqual({ code: 'NoSuchVersion', status: 404 });
    });

    it('of another object is NoSuchVersion', async () => {
      const [key, other] = [access().key(), access().key()];
      await put(key, 'x');
      const { VersionId } = await put(other, 'x');
      expect(await refusal(get(key, { VersionId }))).toEqual({ code: 'NoSuchVersion', status: 404 });
    });

    it.each(['', 'none', '../etc'])('called "%s" is InvalidArgument', async (VersionId) => {
      const key = access().key();
      await put(key, 'x');
      expect(await refusal(get(key, { VersionId }))).toEqual({ code: 'InvalidArgument', status: 400 });
    });
  });

  describe('a delete marker', () => {
    it('says in a refusal that it is one', async () => {
      const key = access().key();
      await put(key, 'x');
      const { VersionId } = await remove(key);
      for (const read of [get, head])
        expect(await headersOfRefusal(read(key))).toMatchObject({
          'x-amz-delete-marker': 'true',
          'x-amz-version-id': VersionId,
        });
    });

    it('cannot be read by its id', async () => {
      const key = access().key();
      await put(key, 'x');
      const { VersionId } = await remove(key);
      expect(await refusal(get(key, { VersionId }))).toEqual({ code: 'MethodNotAllowed', status: 405 });
    });

    it('that is deleted by its id gives the object back', async () => {
      const key = access().key();
      await put(key, 'x');
      const { VersionId } = await remove(key);
      expect(await remove(key, VersionId)).toMatchObject({ DeleteMarker: true, VersionId });
      expect(await textOf(key)).toBe('x');
    });

    it('is made for a key that never was', async () => {
      expect((await remove(access().key())).DeleteMarker).toBe(true);
    });

    it('is named by a delete of many', async () => {
      const key = access().key();
      const { VersionId: first } = await put(key, 'x');
      const Objects = [{ Key: key }, { Key: key, VersionId: first }];
      const { Deleted = [] } = await access().client.send(
        new DeleteObjectsCommand({ Bucket: access().bucket, Delete: { Objects } }),
      );
      const [marker] = (await list(key)).DeleteMarkers ?? [];
      expect(Deleted).toContainEqual(
        expect.objectContaining({ Key: key, DeleteMarker: true, DeleteMarkerVersionId: marker?.VersionId }),
      );
      expect(Deleted).toContainEqual({ Key: key, VersionId: first });
    });
  });

  describe('a listing of versions', () => {
    it('has the newest of each key first, and tells which is the latest', async () => {
      const key = access().key();
      const [first, second] = [await put(key, 'one'), await put(key, 'two!')];
      const marker = await remove(key);
      const { Versions, DeleteMarkers } = await list(key);
      expect(Versions).toMatchObject([
        { VersionId: second.VersionId, IsLatest: false, Size: 4, ETag: second.ETag },
        { VersionId: first.VersionId, IsLatest: false, Size: 3, ETag: first.ETag },
      ]);
      expect(DeleteMarkers).toMatchObject([{ Key: key, VersionId: marker.VersionId, IsLatest: true }]);
    });

    it('goes on a page at a time, within a key too', async () => {
      const prefix = access().key('pages/');
      const wanted: string[] = [];
      for (const name of ['a', 'b', 'c'])
        for (const body of ['1', '2']) wanted.push(`${name} ${(await put(prefix + name, body)).VersionId}`);
      const seen: string[] = [];
      let markers: object | undefined = {};
      while (markers) {
        const page = await list(prefix, { MaxKeys: 1, ...markers });
        for (const { Key = '', VersionId } of page.Versions ?? [])
          seen.push(`${Key.slice(prefix.length)} ${VersionId}`);
        const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
        markers = page.IsTruncated ? { KeyMarker, VersionIdMarker } : undefined;
      }
      expect(seen).toEqual([1, 0, 3, 2, 5, 4].map((index) => wanted[index]));
    });

    it('goes on after a page whose versions have been deleted', async () => {
      const key = access().key();
      for (const body of ['1', '2', '3']) await put(key, body);
      const first = await list(key, { MaxKeys: 2 });
      for (const { VersionId } of first.Versions ?? []) await remove(key, VersionId);
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = first;
      const { Versions } = await list(key, { KeyMarker, VersionIdMarker });
      expect(Versions).toHaveLength(1);
    });

    it('rolls up what shares a prefix up to the delimiter', async () => {
      const prefix = access().key('roll/');
      for (const name of ['x/1', 'x/1', 'y']) await put(prefix + name, 'x');
      const page = await list(prefix, { Delimiter: '/' });
      expect(page.CommonPrefixes).toEqual([{ Prefix: `${prefix}x/` }]);
      expect(page.Versions?.map(({ Key }) => Key)).toEqual([`${prefix}y`]);
    });
  });
};
