import { gunzipSync } from 'node:zlib';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Head } from '../../shared/domain/configuration.ts';
import { isLost, type StoredJob } from '../../shared/domain/import-job.ts';
import { AppError, hasCode } from '../../shared/errors.ts';
import { keys, sortKeys } from '../../shared/tables.ts';
import { pagesOf } from '../lib/pages.ts';
import { statusItems } from './decommissions.ts';
import { dynamo, getItem, type PageOptions, queryItems, tableName } from './dynamo.ts';
import { calling } from './faults.ts';
import { readable } from './format.ts';
import { getObject } from './objects.ts';

type Item = Head & StoredJob & { pk: string; sk: string };

/** An item of an artifact of the fleet: its record, a user, the count of users, a text that is left over, a member. */
export type FleetItem = { pk: string; sk: string } & Record<string, unknown>;

/** A registration, or an item of what was last seen of its Scanner. */
export type LifeItem = {
  pk: string;
  sk: string;
  epoch?: string;
  decommissionedAt?: string;
  clearedAt?: string;
  createdAt?: string;
};

/** A page of the table, as a check reads it: heads and revisions whole, and the imports that were lost by `now`. */
export interface SurveyPage {
  heads: Head[];
  revisions: Head[];
  lost: StoredJob[];
  /** Only where they are asked for. */
  fleet: FleetItem[];
  /** Likewise. */
  lives: LifeItem[];
  /** Ids of all rollouts, likewise. */
  rollouts: string[];
  next?: Record<string, unknown>;
}

const fleetFilter = {
  expression: ` OR (begins_with(pk, :artifact) AND NOT begins_with(sk, :audit))
    OR (begins_with(pk, :scanner) AND (sk IN (:registration, ${statusItems.map((_, at) => `:status${at}`).join(', ')}) OR begins_with(sk, :reported)))
    OR sk = :rollout`,
  values: {
    ':artifact': keys.ofArtifact(''),
    ':audit': keys.auditPrefix,
    ':scanner': keys.ofScanner(''),
    ':registration': sortKeys.scanner,
    ':rollout': keys.rollout,
    ':reported': keys.reportedPrefix,
    ...Object.fromEntries(statusItems.map((sk, at) => [`:status${at}`, sk])),
  },
};

const isLifeItem = ({ pk, sk }: { pk: string; sk: string }): boolean =>
  pk.startsWith(keys.ofScanner('')) &&
  ([sortKeys.scanner, ...statusItems].includes(sk) || sk.startsWith(keys.reportedPrefix));

const isFleetItem = ({ pk }: { pk: string }): boolean => pk.startsWith(keys.ofArtifact(''));

const rolloutIdOf = (pk: string): string => pk.slice(keys.ofRollout('').length);

/** One page of the whole table, strongly consistent. */
export const surveyTable = async (
  from: Record<string, unknown> | undefined,
  now: Date,
  { withFleet = false } = {},
): Promise<SurveyPage> => {
  const scan = new ScanCommand({
    TableName: tableName(),
    ConsistentRead: true,
    FilterExpression: `sk = :head OR begins_with(sk, :revision) OR sk = :import${withFleet ? fleetFilter.expression : ''}`,
    ExpressionAttributeValues: {
      ':head': sortKeys.head,
      ':revision': keys.revisionPrefix,
      ':import': keys.import,
      ...(withFleet ? fleetFilter.values : {}),
    },
    ExclusiveStartKey: from,
  });
  const { Items = [], LastEvaluatedKey: next } = await calling(dynamo.send(scan));
  const items = Items.map(readable) as Item[];
  return {
    heads: items.filter(({ sk }) => sk === sortKeys.head),
    revisions: items.filter(({ sk }) => sk.startsWith(keys.revisionPrefix)),
    lost: items.filter((item) => item.sk === keys.import && isLost(item, now)),
    fleet: (Items as FleetItem[]).filter(isFleetItem),
    lives: (Items as LifeItem[]).filter(isLifeItem),
    rollouts: items.filter(({ sk }) => sk === keys.rollout).map(({ pk }) => rolloutIdOf(pk)),
    ...(next ? { next } : {}),
  };
};

/** Everything that the table has of one artifact but its audit, strongly consistent, if not of one moment. */
export const readFleetItems = async (artifact: string): Promise<FleetItem[]> => {
  const pk = keys.ofArtifact(artifact);
  const found: FleetItem[] = [];
  for (const sk of [sortKeys.artifact, keys.usage]) {
    const item = await getItem<FleetItem>(pk, sk);
    if (item) found.push({ ...item, pk, sk });
  }
  for (const prefix of [keys.userPrefix, keys.objectPrefix, keys.memberPrefix]) {
    const members = (page: PageOptions) => queryItems<FleetItem>(pk, prefix, page);
    for await (const items of pagesOf(members, 1000)) found.push(...items);
  }
  return found;
};

/** The same of one Scanner, by its partition. */
export const readLife = async (pk: string): Promise<LifeItem[]> => {
  const items = await Promise.all(
    [sortKeys.scanner, ...statusItems].map(async (sk) => {
      const item = await getItem<LifeItem>(pk, sk);
      return item ? [item] : [];
    }),
  );
  return [...items.flat(), ...(await queryItems<LifeItem>(pk, keys.reportedPrefix, { limit: 100 })).items];
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
