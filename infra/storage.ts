import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type CfnGlobalTable,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { prefixes, table } from '../shared/tables.ts';
import { acknowledge } from './acknowledge.ts';

const string = (name: string) => ({ name, type: AttributeType.STRING });

/** The customer's own key for all data at rest. It outlives the stack: without it nothing that is kept can be read. */
const controlKey = (scope: Construct): Key =>
  new Key(scope, 'Key', {
    description: 'Data of the Scanner control plane at rest: table, stream, backups, objects',
    alias: `alias/${Stack.of(scope).stackName}`,
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });

/** The table with everything of every Scanner, and the stream that tells of each change. */
export class ControlTable extends TableV2 {
  /** What encrypts the table, its index, its stream and its backups; whoever uses the table needs it, too (`bindTable`). */
  readonly key: Key;

  constructor(scope: Construct, id: string, key: Key) {
    super(scope, id, {
      partitionKey: string(table.partitionKey),
      sortKey: string(table.sortKey),
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      timeToLiveAttribute: table.ttl,
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      globalSecondaryIndexes: [
        {
          indexName: table.index.name,
          partitionKey: string(table.index.partitionKey),
          sortKey: string(table.index.sortKey),
          projectionType: ProjectionType.ALL,
        },
      ],
    });
    this.key = key;
    // CDK renders a customer's key only where the region is known at synthesis, which it is not here; the property is the same.
    (this.node.defaultChild as CfnGlobalTable).addPropertyOverride('Replicas.0.SSESpecification', {
      KMSMasterKeyId: key.keyArn,
    });
  }
}

const expiring = (prefix: string) => ({
  id: `expire-${prefix.replaceAll('/', '')}`,
  prefix,
  expiration: Duration.days(30),
  noncurrentVersionExpiration: Duration.days(30),
  abortIncompleteMultipartUploadAfter: Duration.days(1),
});

/** A secret that was replaced or deleted is gone for good after a day, which is how long a mistake can be taken back. */
const secrets = {
  id: 'forget-secrets',
  prefix: prefixes.secrets,
  noncurrentVersionExpiration: Duration.days(1),
  expiredObjectDeleteMarker: true,
  abortIncompleteMultipartUploadAfter: Duration.days(1),
};

/** What every bucket has: the customer's key, TLS alone, nothing public, and a life beyond the stack. */
const closed = (key: Key): BucketProps => ({
  encryption: BucketEncryption.KMS,
  encryptionKey: key,
  bucketKeyEnabled: true,
  enforceSSL: true,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  removalPolicy: RemovalPolicy.RETAIN,
});

const accessLogs =
  'Who wrote what is in the audit records; data events of the account are for the organisation to switch on.';

/** As long as SQS keeps a message at most: whatever is dead is kept equally long, wherever it lies. */
const deadFor = Duration.days(14);

/**
 * Batches of the stream that failed for good, one object each. A bucket of its own, because Lambda asks for leave to write anywhere in it
 * (ADR 0018); without versions, so that one that was replayed is gone; and of no event.
 */
const deadRecordsBucket = (scope: Construct, key: Key): Bucket => {
  const bucket = new Bucket(scope, 'DeadRecords', {
    ...closed(key),
    lifecycleRules: [
      { id: 'expire', expiration: deadFor, abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
  });
  acknowledge(bucket, 'AwsSolutions-S1', accessLogs);
  return bucket;
};

/** Uploads, lists, reports, secrets and artifacts. Its events go to the event bus, without a custom resource. */
const controlBucket = (scope: Construct, key: Key): Bucket => {
  const bucket = new Bucket(scope, 'Bucket', {
    versioned: true,
    ...closed(key),
    lifecycleRules: [
      ...[prefixes.drops, prefixes.uploads, prefixes.reports, prefixes.derived].map(expiring),
      secrets,
    ],
  });
  (bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
    eventBridgeConfiguration: { eventBridgeEnabled: true },
  };
  acknowledge(bucket, 'AwsSolutions-S1', accessLogs);
  return bucket;
};

/**
 * A message whose worker was lost comes again after this. Lambda's advice of six times the time-out is for pollers that are
 * throttled, which the event source's own limit of concurrency keeps them from being.
 */
const visibilityOf = (timeout: Duration): Duration => Duration.seconds(timeout.toSeconds() + 60);

/** Key, table, buckets and queues. The key, the table and the buckets outlive the stack. */
export class Storage extends Construct {
  /** Encrypts the table and the bucket. */
  readonly key: Key;
  readonly table: ControlTable;
  readonly bucket: Bucket;
  /** What a worker could not do after all its tries, to be looked at and replayed. */
  readonly deadLetters: Queue;
  /** Batches of the stream that a reader could not do after all its tries, likewise. */
  readonly deadRecords: Bucket;
  /** Stands between the bucket's events and the import worker. */
  readonly imports: Queue;

  /** How long revisions and audit records are kept, in days; 0: for ever. */
  readonly historyDays: string;

  constructor(scope: Construct, id: string, props: { importTimeout: Duration; historyDays: string }) {
    super(scope, id);
    this.historyDays = props.historyDays;
    this.key = controlKey(this);
    this.table = new ControlTable(this, 'Table', this.key);
    this.bucket = controlBucket(this, this.key);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: deadFor,
    });
    this.deadRecords = deadRecordsBucket(this, this.key);
    this.imports = new Queue(this, 'Imports', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(4),
      visibilityTimeout: visibilityOf(props.importTimeout),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
  }
}
