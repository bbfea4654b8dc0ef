import { Stack } from 'aws-cdk-lib';
import { type Conditions, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { ControlTable, Storage } from './storage.ts';
import { indexName, type TableUses, tableGrants } from './table-uses.ts';

/**
 * Each method grants and wires at once: the permission, and the environment variable by which the code finds what it may use.
 * Nobody can have one without the other.
 */

const allow = (to: ControlPlaneFunction, actions: string[], resources: string[], wildcard?: string): void => {
  to.fn.addToRolePolicy(new PolicyStatement({ actions, resources }));
  if (wildcard !== undefined) acknowledgeWildcards(to, resources, wildcard);
};

/** Use of the key, only through a service and only for what the conditions name. */
const allowKey = (to: ControlPlaneFunction, key: IKey, actions: string[], conditions: Conditions): void =>
  to.fn.addToRolePolicy(new PolicyStatement({ actions, resources: [key.keyArn], conditions }));

/**
 * Whatever a principal does with the table, DynamoDB decrypts the table's key in that principal's name, and asks nothing else of it:
 * the other actions are of who makes the table (DynamoDB developer guide, "DynamoDB encryption at rest usage notes": "Decrypt", "Key
 * policy for a customer managed key", whence also the asterisk for the region, and "DynamoDB encryption context"). The same key
 * protects the stream, so a function that only reads the stream needs it, too.
 */
export const allowTableKey = (to: ControlPlaneFunction, { key, tableName }: ControlTable): void =>
  allowKey(to, key, ['kms:Decrypt'], {
    StringLike: { 'kms:ViaService': 'dynamodb.*.amazonaws.com' },
    StringEquals: { 'kms:EncryptionContext:aws:dynamodb:tableName': tableName },
  });

/** The table: each action on the rows that the function does it with, and on no others. */
export const bindTable = (to: ControlPlaneFunction, table: ControlTable, uses: TableUses): void => {
  allowTableKey(to, table);
  to.fn.addEnvironment('TABLE_NAME', table.tableName);
  for (const { action, index, conditions = {} } of tableGrants(uses)) {
    const resource = index ? `${table.tableArn}/index/${indexName}` : table.tableArn;
    to.fn.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [resource], conditions }));
  }
};

/** The rates that an operator may set, as values of the template's parameters. */
export interface Paces {
  /** Requests a second to the shadow service, for the account and for each thing. */
  shadow: string;
  thing: string;
  /** Commits a second of all rollouts. */
  rollout: string;
  /** Minutes after which a Scanner is due again. */
  reconcileMinutes: string;
}

/** Whoever says when a Scanner is looked at again (ADR 0015). */
export const bindDue = (to: ControlPlaneFunction, { reconcileMinutes }: Paces): void => {
  to.fn.addEnvironment('RECONCILE_MINUTES', reconcileMinutes);
};

/** Whoever publishes: its requests are held to the rates of the account and of a thing. */
export const bindPublishing = (to: ControlPlaneFunction, paces: Paces): void => {
  bindShadows(to, ['Get', 'Update']);
  bindDue(to, paces);
  to.fn.addEnvironment('SHADOW_RATE', paces.shadow);
  to.fn.addEnvironment('THING_RATE', paces.thing);
};

/** Whoever commits for a rollout: all of them together are held to a rate. */
export const bindRollouts = (to: ControlPlaneFunction, paces: Paces): void => {
  to.fn.addEnvironment('ROLLOUT_RATE', paces.rollout);
};

/** Whoever keeps something of a revision, for as long as the operator says that history is kept. */
export const bindHistory = (to: ControlPlaneFunction, { historyDays }: Storage): void => {
  to.fn.addEnvironment('HISTORY_DAYS', historyDays);
};

/** One function that another invokes: leave to invoke the version of it that is in force, and the ARN of that alias in `variable`. */
export const bindInvoke = (
  to: ControlPlaneFunction,
  invoked: ControlPlaneFunction,
  variable: string,
): void => {
  to.fn.addEnvironment(variable, invoked.target.functionArn);
  allow(to, ['lambda:InvokeFunction'], [invoked.target.functionArn]);
};

/** `getVersion`: by a version that somebody names. `upload`: a put in parts, where there are many. */
export type ObjectUse = 'get' | 'getVersion' | 'put' | 'upload' | 'delete' | 'sweep';

const objectActions: Record<ObjectUse, string[]> = {
  get: ['s3:GetObject'],
  getVersion: ['s3:GetObjectVersion'],
  put: ['s3:PutObject'],
  upload: ['s3:PutObject', 's3:AbortMultipartUpload'],
  delete: ['s3:DeleteObject'],
  sweep: ['s3:DeleteObjectVersion'],
};

/** An upload in parts is read again when it is put together, so whoever makes one decrypts, too (S3 user guide, "Multipart upload API and permissions"). */
const objectKeyActions: Record<ObjectUse, string[]> = {
  get: ['kms:Decrypt'],
  getVersion: ['kms:Decrypt'],
  put: ['kms:GenerateDataKey'],
  upload: ['kms:GenerateDataKey', 'kms:Decrypt'],
  delete: [],
  sweep: [],
};

/** With a bucket key, the encryption context is the ARN of the bucket (S3 user guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"). */
const allowObjectKey = (to: ControlPlaneFunction, bucket: Bucket, actions: string[]): void => {
  if (!bucket.encryptionKey || actions.length === 0) return;
  allowKey(to, bucket.encryptionKey, actions, {
    StringEquals: {
      'kms:ViaService': `s3.${Stack.of(to).region}.amazonaws.com`,
      'kms:EncryptionContext:aws:s3:arn': bucket.bucketArn,
    },
  });
};

/**
 * Objects of the bucket under certain prefixes, and what each use needs of the bucket's key; without the listing, a missing object
 * answers 403, so that is granted, too. In a bucket with versions, a deleted object is one version back until the lifecycle takes it.
 */
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
  if (uses.get || uses.getVersion) allow(to, ['s3:ListBucket'], [bucket.bucketArn]);
  const keyActions = (Object.keys(uses) as ObjectUse[]).flatMap((use) => objectKeyActions[use]);
  allowObjectKey(to, bucket, [...new Set(keyActions)]);
  if (uses.sweep) allow(to, ['s3:ListBucketVersions'], [bucket.bucketArn]);
};

/**
 * The bucket to which Lambda itself, in the function's name, writes the batches of a stream that failed for good: what the execution role needs
 * for that (Lambda developer guide, "Retain discarded records for a DynamoDB event source"). Lambda does not make the mapping unless the role
 * may write anywhere in the bucket, though the keys begin with `aws/lambda/`: so that bucket holds nothing else (ADR 0018).
 */
export const bindFailures = (to: ControlPlaneFunction, bucket: Bucket): { destination: string } => {
  allow(
    to,
    ['s3:PutObject'],
    [bucket.arnForObjects('*')],
    'Lambda names the objects, and asks for leave to write any; nothing else is in this bucket.',
  );
  allow(to, ['s3:ListBucket'], [bucket.bucketArn]);
  allowObjectKey(to, bucket, ['kms:GenerateDataKey']);
  return { destination: bucket.bucketArn };
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

/** AWS's reference names no resource for these two actions, and elsewhere both: the thing, and the certificate. */
const allowPrincipals = (to: ControlPlaneFunction, actions: string[], wildcard: string): void =>
  allow(to, actions, [iotArn(to, 'thing/*'), iotArn(to, 'cert/*')], wildcard);

/** What clearing away after a Scanner takes: its certificates, its connection, its shadows, its thing. */
export const bindDecommission = (to: ControlPlaneFunction): void => {
  const anyScanner =
    'Any Scanner may be decommissioned; what is its own has its id, or is attached to its thing.';
  allow(
    to,
    ['iot:DeleteThing', 'iot:ListThingPrincipals', 'iot:ListNamedShadowsForThing', 'iot:DeleteThingShadow'],
    [iotArn(to, 'thing/*')],
    anyScanner,
  );
  allowPrincipals(to, ['iot:DetachThingPrincipal'], anyScanner);
  allow(to, ['iot:UpdateCertificate'], [iotArn(to, 'cert/*')], anyScanner);
  allow(to, ['iot:DeleteConnection'], [iotArn(to, 'client/*')], anyScanner);
};

const unknownNames = 'Enrolment makes things and certificates, whose names are not known before.';

/** What enrolment does: things of the one type, certificates, and the policy that a Scanner gets. */
export const bindRegistry = (
  to: ControlPlaneFunction,
  names: { policyName: string; thingTypeName: string; serverAuthorities: string },
): void => {
  to.fn.addEnvironment('SCANNER_POLICY_NAME', names.policyName);
  to.fn.addEnvironment('THING_TYPE_NAME', names.thingTypeName);
  to.fn.addEnvironment('MQTT_SERVER_CA', names.serverAuthorities);
  allow(
    to,
    ['iot:CreateThing'],
    [iotArn(to, 'thing/*'), iotArn(to, `thingtype/${names.thingTypeName}`)],
    unknownNames,
  );
  allow(to, ['iot:ListThingPrincipals'], [iotArn(to, 'thing/*')], unknownNames);
  allowPrincipals(to, ['iot:AttachThingPrincipal', 'iot:DetachThingPrincipal'], unknownNames);
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
