import { randomUUID } from 'node:crypto';
import type { StoredObject } from './object-store.ts';

/** An event of S3 on the event bus (S3 user guide, "EventBridge event message structure"). */
export interface ObjectEvent {
  version: '0';
  id: string;
  'detail-type': 'Object Created' | 'Object Deleted';
  source: 'aws.s3';
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: {
    version: '0';
    bucket: { name: string };
    object: { key: string; size?: number; etag?: string; 'version-id'?: string; sequencer: string };
    'request-id': string;
    requester: string;
    'source-ip-address': string;
    reason: string;
    'deletion-type'?: 'Permanently Deleted' | 'Delete Marker Created';
  };
}

interface EventOrigin {
  region: string;
  accountId: string;
  versioned: boolean;
  reason: string;
}

/** Strictly growing with every write of the bucket, so with every write of a key. */
const sequencerOf = (object: StoredObject): string =>
  object.sequence.toString(16).toUpperCase().padStart(18, '0');

export const objectEvent = (
  type: ObjectEvent['detail-type'],
  object: StoredObject,
  { region, accountId, versioned, reason }: EventOrigin,
): ObjectEvent => ({
  version: '0',
  id: randomUUID(),
  'detail-type': type,
  source: 'aws.s3',
  account: accountId,
  time: `${new Date(object.lastModified).toISOString().slice(0, 19)}Z`,
  region,
  resources: [`arn:aws:s3:::${object.bucket}`],
  detail: {
    version: '0',
    bucket: { name: object.bucket },
    object: {
      key: object.key,
      ...(type === 'Object Created' ? { size: object.size, etag: object.etag } : {}),
      ...(versioned ? { 'version-id': object.versionId } : {}),
      sequencer: sequencerOf(object),
    },
    'request-id': randomUUID(),
    requester: accountId,
    'source-ip-address': '127.0.0.1',
    reason,
    ...(type === 'Object Deleted'
      ? {
          'deletion-type': object.deleteMarker
            ? ('Delete Marker Created' as const)
            : ('Permanently Deleted' as const),
        }
      : {}),
  },
});
