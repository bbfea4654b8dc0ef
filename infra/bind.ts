import { Stack } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { table as keys } from '../shared/tables.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';

/**
 * Each method grants and wires at once: the permission, and the environment variable by which the code finds what it may use.
 * Nobody can have one without the other.
 */

const allow = (to: ControlPlaneFunction, actions: string[], resources: string[], wildcard?: string): void => {
  to.fn.addToRolePolicy(new PolicyStatement({ actions, resources }));
  if (wildcard !== undefined) acknowledgeWildcards(to, resources, wildcard);
};

export type TableUse = 'read' | 'query' | 'scan' | 'write' | 'transact';

const tableActions: Record<TableUse, string[]> = {
  read: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'],
  query: ['dynamodb:Query'],
  scan: ['dynamodb:Scan'],
  write: ['dynamodb:PutItem', 'dynamodb:UpdateItem'],
  transact: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'],
};

/** The table; a query is of its index or of one partition. */
export const bindTable = (to: ControlPlaneFunction, table: TableV2, uses: TableUse[]): void => {
  to.fn.addEnvironment('TABLE_NAME', table.tableName);
  for (const use of uses)
    allow(
      to,
      tableActions[use],
      use === 'query' ? [table.tableArn, `${table.tableArn}/index/${keys.index.name}`] : [table.tableArn],
    );
};

/** Commits of whoever changes something: with each goes its history, which is kept as long as the operator says. */
export const bindCommits = (to: ControlPlaneFunction, { table, historyDays }: Storage): void => {
  bindTable(to, table, ['read', 'transact']);
  to.fn.addEnvironment('HISTORY_DAYS', historyDays);
};

export type ObjectUse = 'get' | 'put' | 'sweep';

const objectActions: Record<ObjectUse, string[]> = {
  get: ['s3:GetObject', 's3:GetObjectVersion'],
  put: ['s3:PutObject', 's3:AbortMultipartUpload'],
  sweep: ['s3:DeleteObjectVersion'],
};

/** Objects of the bucket under certain prefixes; without the listing, a missing object answers 403, so that is granted, too. */
export const bindObjects = (
  to: ControlPlaneFunction,
  bucket: Bucket,
  uses: Partial<Record<ObjectUse, string[]>>,
): void => {
  to.fn.addEnvironment('BUCKET_NAME', bucket.bucketName);
  for (const [use, prefixes] of Object.entries(uses) as [ObjectUse, string[]][])
    allow(
      to,
      objectActions[use],
      prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
      'Objects are named by hash, by upload or by job: the prefix is as narrow as it can be.',
    );
  if (uses.get) allow(to, ['s3:ListBucket'], [bucket.bucketArn]);
  if (uses.sweep) allow(to, ['s3:ListBucketVersions'], [bucket.bucketArn]);
};

const iotArn = (to: ControlPlaneFunction, resource: string): string => {
  const { partition, region, account } = Stack.of(to);
  return `arn:${partition}:iot:${region}:${account}:${resource}`;
};

/** Shadows of the things; AWS IoT names a shadow's permission by its thing. */
export const bindShadows = (to: ControlPlaneFunction, uses: ('Get' | 'Update')[]): void =>
  allow(
    to,
    uses.map((use) => `iot:${use}ThingShadow`),
    [iotArn(to, 'thing/*')],
    'One function serves every Scanner, and things have no prefix of their own: their names are the Scanner ids.',
  );

/** Messages on the topics of Scanners. */
export const bindTopics = (to: ControlPlaneFunction, topics: string[]): void =>
  allow(
    to,
    ['iot:Publish'],
    topics.map((topic) => iotArn(to, `topic/${topic}`)),
    'The wildcard stands for the Scanner that asked; the topic is fixed around it.',
  );

const unknownNames = 'Enrolment makes things and certificates, whose names are not known before.';

/** What enrolment does: things, certificates, and the policy that a Scanner gets. */
export const bindRegistry = (
  to: ControlPlaneFunction,
  names: { policyName: string; thingTypeName: string; serverAuthorities: string },
): void => {
  to.fn.addEnvironment('SCANNER_POLICY_NAME', names.policyName);
  to.fn.addEnvironment('THING_TYPE_NAME', names.thingTypeName);
  to.fn.addEnvironment('MQTT_SERVER_CA', names.serverAuthorities);
  allow(
    to,
    ['iot:CreateThing', 'iot:AttachThingPrincipal', 'iot:DetachThingPrincipal', 'iot:ListThingPrincipals'],
    [iotArn(to, 'thing/*'), iotArn(to, `thingtype/${names.thingTypeName}`), iotArn(to, 'cert/*')],
    unknownNames,
  );
  allow(to, ['iot:UpdateCertificate'], [iotArn(to, 'cert/*')], unknownNames);
  allow(
    to,
    ['iot:AttachPolicy'],
    [iotArn(to, 'cert/*'), iotArn(to, `policy/${names.policyName}`)],
    unknownNames,
  );
  allow(
    to,
    ['iot:CreateCertificateFromCsr', 'iot:DescribeEndpoint'],
    ['*'],
    'These two actions know no resource.',
  );
};
