import { randomBytes } from 'node:crypto';
import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { canonicalJson, type Json } from '../../shared/domain/canonical-json.ts';
import { keys, prefixes } from '../../shared/tables.ts';
import { pagesOf } from '../lib/pages.ts';
import {
  dynamo,
  format,
  onCondition,
  type PageOptions,
  queryItems,
  queryListed,
  type TransactItem,
  tableName,
} from './dynamo.ts';
import { calling } from './faults.ts';
import { readable } from './format.ts';
import { deleteObject, getText, putText, sha256 } from './objects.ts';

/**
 * Texts with secrets, under `secrets/` by their digest. Of every object that no record names, because it is not yet named or no more,
 * an item says so: written before the object, taken away with the commit that names it, written again with the commit that ceases
 * to. So whatever crashes, what is left over is known, and the sweep takes it (ADR 0008).
 */
export interface LooseObject {
  artifact: string;
  digest: string;
  state: 'staged' | 'retired';
  /** Whether heads of Scanners may name it. */
  distributed: boolean;
  at: string;
}

/** A staged object belongs to a request, which ends long before this. */
const stagedMs = 3_600_000;

const keyOf = ({ artifact, digest }: Pick<LooseObject, 'artifact' | 'digest'>) => ({
  pk: keys.ofArtifact(artifact),
  sk: keys.object(digest),
});

const looseItem = (loose: LooseObject) => ({
  ...keyOf(loose),
  ...loose,
  listPk: keys.listedObjects,
  listSk: `${loose.artifact}#${loose.digest}`,
  format,
});

const objectKey = (digest: string): string => `${prefixes.secrets}${digest}`;

/** Salted, so that the digest tells nothing of what is in it (DESIGN 5). */
const textOf = (content: { [name: string]: Json }): string =>
  canonicalJson({ format, salt: randomBytes(32).toString('hex'), ...content });

/** Stores a text that a commit is about to name; answers its digest. */
export const stageSecret = async (
  artifact: string,
  content: { [name: string]: Json },
  { distributed, now }: { distributed: boolean; now: Date },
): Promise<string> => {
  const text = textOf(content);
  const digest = sha256(text);
  const loose: LooseObject = { artifact, digest, state: 'staged', distributed, at: now.toISOString() };
  await calling(dynamo.send(new PutCommand({ TableName: tableName(), Item: looseItem(loose) })));
  await putText(objectKey(digest), text, 'application/json');
  return digest;
};

/** The content of a text. SOURCE_NOT_FOUND where it is gone, STORED_FORMAT where a newer version wrote it. */
export const readSecret = async <T>(digest: string): Promise<T> =>
  readable(JSON.parse(await getText(objectKey(digest))) as T);

/** For the commit that names a staged object; refused where the sweep has claimed it. */
export const namedItem = (artifact: string, digest: string): TransactItem => ({
  Delete: {
    TableName: tableName(),
    Key: keyOf({ artifact, digest }),
    ConditionExpression: '#state = :staged',
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ':staged': 'staged' },
  },
});

/** For the commit that ceases to name an object. */
export const retiredItem = (
  artifact: string,
  digest: string,
  { distributed, now }: { distributed: boolean; now: Date },
): TransactItem => ({
  Put: {
    TableName: tableName(),
    Item: looseItem({ artifact, digest, state: 'retired', distributed, at: now.toISOString() }),
  },
});

const pageSize = 100;

/** Objects of an artifact that its record does not name and no request can be about to name, strongly consistent. */
export const retiredObjects = async (artifact: string, now: Date): Promise<LooseObject[]> => {
  const found: LooseObject[] = [];
  const objects = (page: PageOptions) =>
    queryItems<LooseObject>(keys.ofArtifact(artifact), keys.objectPrefix, page);
  for await (const items of pagesOf(objects, pageSize)) found.push(...items);
  const stale = now.getTime() - stagedMs;
  return found.filter(({ state, at }) => state === 'retired' || Date.parse(at) < stale);
};

/** Artifacts that have such objects, whichever way they came to be left over. */
export const artifactsWithLooseObjects = async (): Promise<string[]> => {
  const names = new Set<string>();
  const objects = (page: PageOptions) => queryListed<LooseObject>(keys.listedObjects, page);
  for await (const items of pagesOf(objects, pageSize)) for (const { artifact } of items) names.add(artifact);
  return [...names];
};

/** Claims an object for good: a commit that was about to name it is refused from now on. False where one was faster. */
const claim = async (loose: LooseObject): Promise<boolean> => {
  const update = new UpdateCommand({
    TableName: tableName(),
    Key: keyOf(loose),
    UpdateExpression: 'SET #state = :retired',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ':retired': 'retired' },
  });
  return (await onCondition(dynamo.send(update))) !== null;
};

/** Deletes an object and then the item that says it is left over: after a crash in between, both are done again. */
export const deleteLoose = async (loose: LooseObject): Promise<void> => {
  if (!(await claim(loose))) return;
  await deleteObject(objectKey(loose.digest));
  await calling(dynamo.send(new DeleteCommand({ TableName: tableName(), Key: keyOf(loose) })));
};
