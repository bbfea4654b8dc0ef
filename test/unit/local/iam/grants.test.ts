import { expect, it } from 'vitest';
import type { RecordedLine } from '../../../../local/iam/recorder.ts';
import { declaredGrants, described, isExcepted, unused } from '../../../helpers/grants.ts';

const condition = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['a#*', 'b#*'] } };
const policy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow' as const, Action: ['s3:GetObject', 's3:PutObject'], Resource: ['x/*', 'y/*'] },
    { Effect: 'Allow' as const, Action: 'dynamodb:GetItem', Resource: 'table', Condition: condition },
    { Effect: 'Deny' as const, Action: 's3:*', Resource: 'z' },
  ],
};
const grants = declaredGrants([
  {
    id: 'F',
    arn: 'arn',
    aliases: [],
    entry: 'functions/workers/f.lambda.ts',
    timeoutSeconds: 1,
    environment: {},
    asyncRetries: 0,
    role: { arn: 'role', policies: [policy] },
  },
]);
const used = (action: string, resource: string, values: string[] = []): RecordedLine => ({
  kind: 'used',
  entry: 'functions/workers/f.lambda.ts',
  action,
  resource,
  condition: values.length > 0 ? JSON.stringify(condition) : '',
  values,
});

it('a grant is an action of a statement on one of its resources, and one row where it names rows', () => {
  expect(grants.map(({ action, resource, row = '' }) => `${action} ${resource} ${row}`.trim())).toEqual([
    's3:GetObject x/*',
    's3:GetObject y/*',
    's3:PutObject x/*',
    's3:PutObject y/*',
    'dynamodb:GetItem table a#*',
    'dynamodb:GetItem table b#*',
  ]);
});

it('what no line of a record tells of was never used', () => {
  const lines = [
    used('s3:GetObject', 'x/*'),
    used('s3:PutObject', 'x/*'),
    used('s3:PutObject', 'y/*'),
    used('dynamodb:GetItem', 'table', ['b#*']),
  ];
  expect(unused(grants, lines).map((grant) => described(grant).replace(/ +/g, ' '))).toEqual([
    'workers/f s3:GetObject y/*',
    'workers/f dynamodb:GetItem table a#*',
  ]);
  expect(unused(grants, [])).toHaveLength(grants.length);
});

it('an exception is of an action, and where it says so of a function, a row, a resource', () => {
  const excepted = (exception: object) =>
    grants.filter((grant) => isExcepted(grant, [{ actions: ['s3:'], reason: 'none', ...exception }])).length;
  expect(excepted({})).toBe(4);
  expect(excepted({ actions: ['s3:GetObject'] })).toBe(2);
  expect(excepted({ functions: ['g'] })).toBe(0);
  expect(excepted({ functions: ['f'], resource: 'y/*' })).toBe(2);
  expect(excepted({ actions: ['dynamodb:GetItem'], row: 'a#*' })).toBe(1);
});
