import { gunzipSync } from 'node:zlib';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Head } from '../../shared/domain/configuration.ts';
import { isLost, type StoredJob } from '../../shared/domain/import-job.ts';
import { AppError, hasCode } from '../../shared/errors.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { dynamo, tableName } from './dynamo.ts';
import { calling } from './faults.ts';
import { getObject } from './objects.ts';

type Item = Head & StoredJob & { pk: string; sk: string };

/** A page of the table, as a check reads it: heads and revisions whole, and the imports that were lost by `now`. */
export interface SurveyPage {
  heads: Head[];
  revisions: Head[];
  lost: StoredJob[];
  next?: Record<string, unknown>;
}

/** One page of the whole table, strongly consistent. */
export const surveyTable = async (
  from: Record<string, unknown> | undefined,
  now: Date,
): Promise<SurveyPage> => {
  const scan = new ScanCommand({
    TableName: tableName(),
    ConsistentRead: true,
    FilterExpression: 'sk = :head OR begins_with(sk, :revision) OR sk = :import',
    ExpressionAttributeValues: {
      ':head': sortKeys.head,
      ':revision': keys.revisionPrefix,
      ':import': keys.import,
    },
    ExclusiveStartKey: from,
  });
  const { Items = [], LastEvaluatedKey: next } = await calling(dynamo.send(scan));
  const items = Items as Item[];
  return {
    heads: items.filter(({ sk }) => sk === sortKeys.head),
    revisions: items.filter(({ sk }) => sk.startsWith(keys.revisionPrefix)),
    lost: items.filter((item) => item.sk === keys.import && isLost(item, now)),
    ...(next ? { next } : {}),
  };
};

const unpacked = (bytes: Uint8Array): string => {
  try {
    return gunzipSync(bytes).toString('utf8');
  } catch (error) {
    throw new AppError('FILE_BINARY', 'These bytes are not gzip.', { cause: error });
  }
};

/** The text in an object, or in one version of it; null where there is none, FILE_BINARY where it cannot be unpacked. */
export const textOf = async (key: string, versionId?: string): Promise<string | null> => {
  try {
    const { Body } = await getObject(key, versionId);
    return unpacked((await Body?.transformToByteArray()) ?? new Uint8Array(0));
  } catch (error) {
    if (hasCode(error, 'SOURCE_NOT_FOUND')) return null;
    throw error;
  }
};
