import { Readable } from 'node:stream';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { Upload } from '@aws-sdk/lib-storage';
import {
  type DerivedName,
  derivedFile,
  type LintResult,
  makingSeconds,
} from '../../shared/domain/derived.ts';
import { keys, prefixes, table } from '../../shared/tables.ts';
import { dynamo, format, onCondition, tableName } from './dynamo.ts';
import { translated } from './faults.ts';
import { bucketName, getText, putText, s3, sizeOf } from './objects.ts';

/** The item is of no use once what was wanted is there. */
const keptSeconds = 86_400;

export const derivedKey = (root: string, file: string): string => `${prefixes.derived}${root}/${file}`;

/** True when what a name says has been made of a list. */
export const isMade = async (root: string, name: DerivedName): Promise<boolean> =>
  (await sizeOf(derivedKey(root, derivedFile(name)))) !== null;

/** Says that something is wanted of a list; its change in the table wakes the worker. Saying so often does little more than saying so once. */
export const wantDerived = async (root: string, name: DerivedName, at: Date): Promise<void> => {
  const put = new PutCommand({
    TableName: tableName(),
    Item: {
      pk: keys.ofDerived(root, name),
      sk: keys.derived,
      root,
      name,
      wantedAt: at.toISOString(),
      [table.ttl]: Math.ceil(at.getTime() / 1000) + keptSeconds,
      format,
    },
    ConditionExpression: 'attribute_not_exists(pk) OR wantedAt < :before',
    ExpressionAttributeValues: { ':before': new Date(at.getTime() - makingSeconds * 1000).toISOString() },
  });
  await onCondition(dynamo.send(put));
};

/** Stores text that comes in pieces, as it is, so that any client can read it; there is nothing, or all of it. */
export const putPieces = async (
  key: string,
  pieces: AsyncIterable<string>,
  { contentType, fileName }: { contentType: string; fileName: string },
): Promise<void> => {
  const upload = new Upload({
    client: s3,
    params: {
      Bucket: bucketName(),
      Key: key,
      Body: Readable.from(pieces),
      ContentType: contentType,
      ContentDisposition: `attachment; filename="${fileName}"`,
    },
    queueSize: 2,
  });
  try {
    await upload.done();
  } catch (error) {
    throw translated(error);
  }
};

export const putLintResult = (root: string, name: DerivedName, result: LintResult): Promise<void> =>
  putText(derivedKey(root, derivedFile(name)), JSON.stringify(result), 'application/json');

export const readLintResult = async (root: string, name: DerivedName): Promise<LintResult> =>
  JSON.parse(await getText(derivedKey(root, derivedFile(name)))) as LintResult;
