import { describe, expect, it } from 'vitest';
import { compilePolicies, type Wanted } from '../../../../local/iam/policy.ts';
import type { PolicyDocument } from '../../../../local/model.ts';

type Statement = PolicyDocument['Statement'][number];

const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/n';
const allow = (Action: string | string[], Resource: string | string[], Condition?: object): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition ? { Condition } : {}),
});
const policies = (...statements: Statement[]) =>
  compilePolicies([{ Version: '2012-10-17', Statement: statements }]);
const allows = (statements: Statement[], wanted: Wanted) => policies(...statements).decide(wanted).allowed;

describe('a statement', () => {
  it.each([
    ['s3:GetObject', 'arn:aws:s3:::b/x*', 's3:GetObject', 'arn:aws:s3:::b/x/y', true],
    ['s3:GetObject', 'arn:aws:s3:::b/x*', 's3:GetObject', 'arn:aws:s3:::b/y', false],
    ['s3:GetObject', 'arn:aws:s3:::b/x*', 's3:GetObjectVersion', 'arn:aws:s3:::b/x', false],
    ['s3:Get*', 'arn:aws:s3:::b/?', 's3:GetObjectVersion', 'arn:aws:s3:::b/x', true],
    ['s3:getobject', '*', 's3:GetObject', 'arn:aws:s3:::b/x', true],
    ['s3:GetObject', 'arn:aws:s3:::b/x', 's3:GetObject', 'arn:aws:s3:::b/X', false],
    ['s3:GetObject', 'arn:aws:s3:::b/a.c', 's3:GetObject', 'arn:aws:s3:::b/abc', false],
    ['s3:GetObject', 'arn:aws:s3:::b/*', 's3:GetObject', 'arn:aws:s3:::b/a\nb', true],
  ])('that allows %s on %s, asked for %s on %s: %s', (action, resource, asked, of, expected) => {
    expect(allows([allow(action, resource)], { action: asked, resource: of })).toBe(expected);
  });

  it('that denies wins over every one that allows', () => {
    const denied: Statement = { ...allow('s3:*', 'arn:aws:s3:::b/secret*'), Effect: 'Deny' };
    const asked = (key: string) =>
      policies(allow('s3:GetObject', '*'), denied).decide({
        action: 's3:GetObject',
        resource: `arn:aws:s3:::b/${key}`,
      });
    expect(asked('secret')).toEqual({ allowed: false, explicit: true });
    expect(asked('open')).toMatchObject({ allowed: true });
  });

  it('is what allows: where there is none, nothing is', () => {
    expect(policies().decide({ action: 'a:B', resource: '*' })).toEqual({ allowed: false, explicit: false });
  });
});

describe('a condition', () => {
  const like = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['scanner#*', 'sweep'] } };
  const some = { 'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] } };
  const equal = { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } };
  const there = { ...like, Null: { 'dynamodb:LeadingKeys': 'false' } };

  it.each<[object, Record<string, string[]>, boolean]>([
    [like, { 'dynamodb:LeadingKeys': ['scanner#mx1'] }, true],
    [like, { 'dynamodb:LeadingKeys': ['scanner#mx1', 'sweep'] }, true],
    [like, { 'dynamodb:LeadingKeys': ['scanner#mx1', 'sweeper'] }, false],
    [like, { 'dynamodb:LeadingKeys': ['import#scanner#'] }, false],
    // The trap of ForAllValues: it holds where the key is absent.
    [like, {}, true],
    [there, {}, false],
    [there, { 'dynamodb:LeadingKeys': ['sweep'] }, true],
    [some, { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] }, true],
    [some, { 'dynamodb:EnclosingOperation': ['Other'] }, false],
    [some, {}, false],
    [equal, { 'kms:ViaService': ['s3.eu-west-1.amazonaws.com'] }, true],
    [equal, { 'kms:ViaService': ['dynamodb.eu-west-1.amazonaws.com'] }, false],
    [equal, {}, false],
    [{ ...like, ...some }, { 'dynamodb:LeadingKeys': ['sweep'] }, false],
  ])('%j with %j: %s', (condition, context, expected) => {
    const wanted = { action: 'dynamodb:PutItem', resource: table, context };
    expect(allows([allow('dynamodb:PutItem', table, condition)], wanted)).toBe(expected);
  });

  it('says which of its values were met', () => {
    const wanted = {
      action: 'dynamodb:PutItem',
      resource: table,
      context: { 'dynamodb:LeadingKeys': ['sweep'] },
    };
    expect(policies(allow('dynamodb:PutItem', table, like)).decide(wanted)).toMatchObject({
      allowed: true,
      use: { action: 'dynamodb:PutItem', resource: table, values: ['sweep'] },
    });
  });

  it.each([
    ['an operator', { DateLessThan: { 'kms:ViaService': '2026-01-01' } }, /operator DateLessThan/],
    ['an operator', { StringLikeIfExists: { 'kms:ViaService': 'x' } }, /operator StringLikeIfExists/],
    ['a key', { StringEquals: { 'aws:SourceIp': '127.0.0.1' } }, /key aws:SourceIp/],
    ['a variable', { StringEquals: { 'kms:ViaService': `\${aws:username}` } }, /variable/],
  ])('with %s that nobody here can decide is an error, and allows nothing', (_, condition, message) => {
    expect(() => policies(allow('a:B', '*', condition))).toThrow(message);
  });
});

it.each([
  ['NotAction', { Effect: 'Allow', NotAction: 's3:*', Resource: '*' }],
  ['NotResource', { Effect: 'Allow', Action: 's3:*', NotResource: '*' }],
  ['variable', { Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::b/\${aws:userid}` }],
])('a statement with %s is an error', (name, statement) => {
  expect(() => policies(statement as unknown as Statement)).toThrow(name);
});
