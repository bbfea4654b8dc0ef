import { describe, expect, it } from 'vitest';
import { wantedBy } from '../../../../local/iam/dynamodb-actions.ts';
import type { TableModel } from '../../../../local/model.ts';

const arn = 'arn:aws:dynamodb:eu-west-1:000000000000:table/n';
const hash = (AttributeName: string) => [{ AttributeName, KeyType: 'HASH' }];
const table: TableModel = {
  name: 'n',
  arn,
  streamArn: `${arn}/stream/1`,
  create: {
    KeySchema: [{ AttributeName: 'sk', KeyType: 'RANGE' }, ...hash('pk')],
    GlobalSecondaryIndexes: [{ IndexName: 'listed', KeySchema: hash('listPk') }],
  },
};
const names = { table, region: 'eu-west-1' };
const asked = (operation: string, request: object) =>
  wantedBy(names, operation, request).map(
    ({ action, resource, context }) =>
      `${action.slice(9)} ${resource.slice(arn.length - 1)} ${(context?.['dynamodb:LeadingKeys'] ?? ['-']).join()}${
        context?.['dynamodb:EnclosingOperation'] ? ' within' : ''
      }`,
  );
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 'x' } });

describe('what a request to the table takes leave for', () => {
  it.each<[string, object, string[]]>([
    ['GetItem', { TableName: 'n', Key: key('a#1') }, ['GetItem n a#1']],
    ['PutItem', { TableName: arn, Item: { ...key('a#1'), more: { N: '1' } } }, ['PutItem n a#1']],
    [
      'BatchGetItem',
      { RequestItems: { n: { Keys: [key('a'), key('b')] }, m: { Keys: [key('c')] } } },
      ['BatchGetItem n a,b', 'BatchGetItem m c'],
    ],
    [
      'BatchWriteItem',
      { RequestItems: { n: [{ PutRequest: { Item: key('a') } }, { DeleteRequest: { Key: key('b') } }] } },
      ['BatchWriteItem n a,b'],
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { TableName: 'n', Item: key('a') } },
          { Update: { TableName: 'n', Key: key('b') } },
          { Delete: { TableName: 'n', Key: key('c') } },
          { ConditionCheck: { TableName: 'm', Key: key('d') } },
        ],
      },
      [
        'PutItem n a within',
        'UpdateItem n b within',
        'DeleteItem n c within',
        'ConditionCheckItem m d within',
      ],
    ],
    [
      'Query',
      {
        TableName: 'n',
        KeyConditionExpression: '#p = :p AND begins_with(sk, :s)',
        ExpressionAttributeNames: { '#p': 'pk' },
        ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'b' } },
      },
      ['Query n a'],
    ],
    [
      'Query',
      {
        TableName: 'n',
        IndexName: 'listed',
        KeyConditionExpression: '(listPk = :l) AND (pk = :p)',
        ExpressionAttributeValues: { ':l': { S: 'due' }, ':p': { S: 'not the partition of the index' } },
      },
      ['Query n/index/listed due'],
    ],
    ['Query', { TableName: 'n', KeyConditionExpression: 'pk > :p' }, ['Query n ']],
    ['Scan', { TableName: 'n' }, ['Scan n -']],
    ['DescribeTable', { TableName: 'n' }, ['DescribeTable n -']],
  ])('%s %j', (operation, request, expected) => {
    expect(asked(operation, request)).toEqual(expected);
  });

  it('is the key of the table, too, where it has one', () => {
    const encrypted = { ...names, table: { ...table, keyArn: 'arn:aws:kms:k' } };
    expect(wantedBy(encrypted, 'GetItem', { TableName: 'n', Key: key('a') }).at(-1)).toEqual({
      action: 'kms:Decrypt',
      resource: 'arn:aws:kms:k',
      context: {
        'kms:ViaService': ['dynamodb.eu-west-1.amazonaws.com'],
        'kms:EncryptionContext:aws:dynamodb:tableName': ['n'],
      },
    });
  });
});
