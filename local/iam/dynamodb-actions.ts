import type { TableModel } from '../model.ts';
import type { RequestContext } from './conditions.ts';
import type { Wanted } from './policy.ts';

// biome-ignore lint/suspicious/noExplicitAny: a request has the shapes that DynamoDB gives it.
type Shape = any;

/** What tells the names of keys and resources of the stack's table. */
export interface TableNames {
  table: TableModel;
  region: string;
}

const tableArn = ({ table }: TableNames, name: string): string =>
  name.startsWith('arn:') ? name : table.arn.replace(/[^/]+$/, name);

const hashOf = (schema: Shape): string =>
  schema.find(({ KeyType }: Shape) => KeyType === 'HASH').AttributeName as string;

const partitionKey = ({ table }: TableNames, index?: string): string => {
  const { KeySchema, GlobalSecondaryIndexes = [] } = table.create as Shape;
  const found = GlobalSecondaryIndexes.find(({ IndexName }: Shape) => IndexName === index);
  return hashOf(found?.KeySchema ?? KeySchema);
};

/** A value of a key as conditions see it: without its type. */
const textOf = (value: Shape): string => String(Object.values(value ?? {})[0] ?? '');

type Part = [action: string, request: Shape];

const leading = (names: TableNames, items: Shape[]): string[] =>
  items.map((item) => textOf(item?.[partitionKey(names)]));

const wanted = (
  names: TableNames,
  action: string,
  tableName: string,
  leadingKeys: string[] | undefined,
  more: RequestContext = {},
): Wanted => ({
  action: `dynamodb:${action}`,
  resource: tableArn(names, tableName),
  context: { ...more, ...(leadingKeys ? { 'dynamodb:LeadingKeys': leadingKeys } : {}) },
});

/** One item, by its key or as a whole. */
const onItem = (names: TableNames, [action, request]: Part, more?: RequestContext): Wanted =>
  wanted(names, action, request.TableName, leading(names, [request.Key ?? request.Item]), more);

/**
 * The values that a key condition holds the partition key to. DynamoDB refuses a query that names none or several; here such a query has an
 * empty leading key, which no grant names.
 */
const queriedKeys = (names: TableNames, request: Shape): string[] => {
  const key = partitionKey(names, request.IndexName);
  const found = [...String(request.KeyConditionExpression ?? '').matchAll(/([#\w.-]+)\s*=\s*(:\w+)/g)]
    .filter(([, name = '']) => (request.ExpressionAttributeNames?.[name] ?? name) === key)
    .map(([, , value = '']) => textOf(request.ExpressionAttributeValues?.[value]));
  return found.length > 0 ? found : [''];
};

const indexed = (names: TableNames, request: Shape): string =>
  request.IndexName === undefined
    ? tableArn(names, request.TableName)
    : `${tableArn(names, request.TableName)}/index/${request.IndexName}`;

type Reader = (names: TableNames, action: string, request: Shape) => Wanted[];

const single: Reader = (names, action, request) => [onItem(names, [action, request])];

const query: Reader = (names, _, request) => [
  wanted(names, 'Query', indexed(names, request), queriedKeys(names, request)),
];

const scan: Reader = (names, _, request) => [wanted(names, 'Scan', indexed(names, request), undefined)];

const batchGet: Reader = (names, action, { RequestItems = {} }) =>
  Object.entries<Shape>(RequestItems).map(([name, { Keys = [] }]) =>
    wanted(names, action, name, leading(names, Keys)),
  );

const batchWrite: Reader = (names, action, { RequestItems = {} }) =>
  Object.entries<Shape>(RequestItems).map(([name, parts]) => {
    const items = parts.map((part: Shape) => part.PutRequest?.Item ?? part.DeleteRequest?.Key);
    return wanted(names, action, name, leading(names, items));
  });

/** A transaction takes the actions of its parts, and no action of its own (DynamoDB developer guide, "Using IAM with DynamoDB transactions"). */
const partActions: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
};

const transaction: Reader = (names, action, { TransactItems = [] }) =>
  TransactItems.flatMap((item: Shape) =>
    Object.entries(item).map(([part, request]) =>
      onItem(names, [partActions[part] ?? part, request], { 'dynamodb:EnclosingOperation': [action] }),
    ),
  );

const readers: Record<string, Reader> = {
  GetItem: single,
  PutItem: single,
  UpdateItem: single,
  DeleteItem: single,
  Query: query,
  Scan: scan,
  BatchGetItem: batchGet,
  BatchWriteItem: batchWrite,
  TransactWriteItems: transaction,
  TransactGetItems: transaction,
};

/** What DynamoDB asks of the table's key, in the name of whoever uses the table or its stream. */
export const ofTableKey = ({ table, region }: TableNames): Wanted[] =>
  table.keyArn === undefined
    ? []
    : [
        {
          action: 'kms:Decrypt',
          resource: table.keyArn,
          context: {
            'kms:ViaService': [`dynamodb.${region}.amazonaws.com`],
            'kms:EncryptionContext:aws:dynamodb:tableName': [table.name],
          },
        },
      ];

/**
 * What a request to DynamoDB takes leave for: actions on tables and indexes with the partition keys of what is touched (of an index, its own),
 * and the use of the table's key. Any operation that is not of items is asked for by its name, on its table.
 */
export const wantedBy = (names: TableNames, operation: string, request: Shape): Wanted[] => {
  const reader = readers[operation];
  if (reader) return [...reader(names, operation, request), ...ofTableKey(names)];
  const resource = typeof request.TableName === 'string' ? tableArn(names, request.TableName) : '*';
  return [{ action: `dynamodb:${operation}`, resource }];
};
