import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { declaredTemplate } from '../../../local/declared.ts';
import { compilePattern } from '../../../local/event-pattern.ts';
import type { StackModel } from '../../../local/model.ts';
import { readTemplate } from '../../../local/template.ts';
import { until } from '../../helpers/until.ts';
import { objectsOf, refusal } from './access.ts';
import { accountId, bucketModel, type EmbeddedBucket, region, startEmbedded } from './embedded.ts';
import { s3Contract } from './s3.contract.ts';

s3Contract({ name: 'the embedded bucket keeps the contract', make: () => startEmbedded() });

let here: EmbeddedBucket;
const { at, put, get, head, textOf } = objectsOf(() => here);
const remove = (key: string, VersionId?: string) =>
  here.client.send(new DeleteObjectCommand({ ...at(key), VersionId }));

describe('events of the embedded bucket', () => {
  let declared: StackModel;
  beforeAll(async () => {
    const parameters = { Issuer: 'https://issuer.example.com', MqttServerCa: 'c' };
    declared = readTemplate(await declaredTemplate(), {
      region,
      accountId,
      name: bucketModel().name,
      parameters,
    });
  });
  beforeEach(async () => {
    here = await startEmbedded();
  });
  afterEach(() => here.close());

  const uploadInParts = async (key: string) => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at(key)));
    const part = { ...at(key), UploadId, PartNumber: 1, Body: 'hello' };
    const { ETag } = await here.client.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await here.client.send(new CompleteMultipartUploadCommand({ ...at(key), UploadId, MultipartUpload }));
  };
  const uploadForm = async (key: string) => {
    const { url, fields } = await createPresignedPost(here.client, at(key));
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob(['hello']), 'f');
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204);
  };

  it('have the form that EventBridge gives them', async () => {
    const { VersionId } = await put('imports/mx1/inbound/a b+ü.txt', 'hello');
    expect(here.events).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'Object Created',
        source: 'aws.s3',
        account: accountId,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region,
        resources: ['arn:aws:s3:::contract'],
        detail: {
          version: '0',
          bucket: { name: 'contract' },
          object: {
            key: 'imports/mx1/inbound/a b+ü.txt',
            size: 5,
            etag: '5d41402abc4b2a76b9719d911017c592',
            'version-id': VersionId,
            sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
          },
          'request-id': expect.any(String),
          requester: accountId,
          'source-ip-address': '127.0.0.1',
          reason: 'PutObject',
        },
      },
    ]);
  });

  it('name how an object was made', async () => {
    await put('put', 'hello');
    await uploadForm('form');
    await uploadInParts('parts');
    await here.client.send(new CopyObjectCommand({ ...at('copy'), CopySource: `${here.bucket}/put` }));
    expect(here.events.map(({ detail }) => [detail.object.key, detail.reason, detail.object.size])).toEqual([
      ['put', 'PutObject', 5],
      ['form', 'POST Object', 5],
      ['parts', 'CompleteMultipartUpload', 5],
      ['copy', 'CopyObject', 5],
    ]);
  });

  it('tell of delete markers, and of versions that are gone for good', async () => {
    const { VersionId } = await put('a', 'x');
    await remove('a');
    await remove('a', VersionId);
    await here.client.send(
      new DeleteObjectsCommand({ Bucket: here.bucket, Delete: { Objects: [{ Key: 'b' }] } }),
    );
    const told = here.events.map(({ detail, ...event }) => [
      event['detail-type'],
      detail.object.key,
      detail['deletion-type'],
    ]);
    expect(told).toEqual([
      ['Object Created', 'a', undefined],
      ['Object Deleted', 'a', 'Delete Marker Created'],
      ['Object Deleted', 'a', 'Permanently Deleted'],
      ['Object Deleted', 'b', 'Delete Marker Created'],
    ]);
    const sequencers = here.events.map(({ detail }) => detail.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
  });

  it('are none where nothing was made', async () => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at('parts')));
    await here.client.send(new UploadPartCommand({ ...at('parts'), UploadId, PartNumber: 1, Body: 'x' }));
    await here.client.send(new AbortMultipartUploadCommand({ ...at('parts'), UploadId }));
    await refusal(put('a', 'x', { ContentMD5: Buffer.alloc(16).toString('base64') }));
    await refusal(put('a', 'x', { IfMatch: '"0"' }));
    await remove('a', 'null');
    expect(here.events).toEqual([]);
  });

  it('pass the rule that infra declares for uploads and drops, and for nothing else', async () => {
    const [pattern, ...more] = declared.eventRules.flatMap((rule) => rule.pattern ?? []);
    expect(more).toEqual([]);
    const [{ eventBridge, versioned, name } = bucketModel()] = declared.buckets;
    expect({ eventBridge, versioned }).toEqual({ eventBridge: true, versioned: true });
    for (const key of ['imports/mx1/inbound/a', 'uploads/imp-1', 'reports/imp-1.jsonl', 'lists/chunks/0'])
      await put(key, 'x');
    await remove('uploads/imp-1');
    const passes = compilePattern(pattern as Record<string, unknown>);
    const passed = here.events.filter(({ detail, ...event }) =>
      passes({ ...event, detail: { ...detail, bucket: { name } } }),
    );
    expect(passed.map(({ detail }) => detail.object.key)).toEqual(['imports/mx1/inbound/a', 'uploads/imp-1']);
  });
});

describe('events that are not taken', () => {
  afterEach(() => here.close());

  it('take the change back that they tell of', async () => {
    let refuse = false;
    here = await startEmbedded({
      onEvent: () => {
        if (refuse) throw new Error('the bus is full');
      },
    });
    await put('a', 'one');
    const log = vi.spyOn(console, 'error').mockReturnValue();
    refuse = true;
    expect((await refusal(put('a', 'two'))).status).toBe(500);
    expect((await refusal(remove('a'))).status).toBe(500);
    refuse = false;
    log.mockRestore();
    expect(await textOf('a')).toBe('one');
    expect(here.files()).toHaveLength(1);
  });

  it('are none of a bucket that does not send any', async () => {
    here = await startEmbedded({ bucket: bucketModel({ eventBridge: false }) });
    await put('a', 'x');
    await remove('a');
    expect(here.events).toEqual([]);
  });
});

describe('the embedded bucket after a restart', () => {
  beforeEach(async () => {
    here = await startEmbedded();
  });
  afterEach(() => here.close());

  it('has its objects, versions, metadata and markers', async () => {
    const { VersionId } = await put('a', 'one', { Metadata: { n: '1' }, ContentType: 'text/plain' });
    await put('a', 'two');
    await put('b', 'x');
    await remove('b');
    const before = await head('a', { ChecksumMode: 'ENABLED' });
    await here.restart();
    expect({ ...(await head('a', { ChecksumMode: 'ENABLED' })), $metadata: 0 }).toEqual({
      ...before,
      $metadata: 0,
    });
    expect(await textOf('a')).toBe('two');
    expect(await get('a', { VersionId })).toMatchObject({ Metadata: { n: '1' }, ContentType: 'text/plain' });
    expect((await refusal(get('b'))).code).toBe('NoSuchKey');
  });

  it('goes on with an upload in parts', async () => {
    const { UploadId } = await here.client.send(new CreateMultipartUploadCommand(at('a')));
    const part = { ...at('a'), UploadId, PartNumber: 1, Body: 'hello' };
    const { ETag } = await here.client.send(new UploadPartCommand(part));
    await here.restart();
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await here.client.send(new CompleteMultipartUploadCommand({ ...at('a'), UploadId, MultipartUpload }));
    expect(await textOf('a')).toBe('hello');
  });

  it('goes on with its sequencers', async () => {
    await put('a', 'x');
    await remove('a', (await head('a')).VersionId);
    await here.restart();
    await put('a', 'y');
    const sequencers = here.events.map(({ detail }) => detail.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
    expect(sequencers).toHaveLength(3);
  });

  it('holds no bytes that no version has', async () => {
    const versions = [(await put('a', 'one')).VersionId, (await put('a', 'two')).VersionId];
    for (const version of versions) await remove('a', version);
    await until('the bytes are gone', () => here.files().length === 0, { everyMs: 5 });
  });
});

describe('an embedded bucket without versions', () => {
  beforeEach(async () => {
    here = await startEmbedded({ bucket: bucketModel({ versioned: false }) });
  });
  afterEach(() => here.close());

  it('has one object for each key, and the bytes of no other', async () => {
    await put('a', 'one');
    expect((await put('a', 'two')).VersionId).toBeUndefined();
    expect(await textOf('a')).toBe('two');
    await until('the first bytes are gone', () => here.files().length === 1, { everyMs: 5 });
    expect(here.events[0]?.detail.object).not.toHaveProperty('version-id');
  });

  it('deletes for good', async () => {
    await put('a', 'x');
    expect((await remove('a')).DeleteMarker).toBeUndefined();
    expect((await refusal(get('a'))).code).toBe('NoSuchKey');
    expect(here.events.at(-1)?.detail['deletion-type']).toBe('Permanently Deleted');
    await until('the bytes are gone', () => here.files().length === 0, { everyMs: 5 });
  });
});
