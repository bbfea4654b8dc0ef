import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { prefixes, table } from '../shared/tables.ts';
import { acknowledge } from './acknowledge.ts';

const string = (name: string) => ({ name, type: AttributeType.STRING });

/** The table with everything of every Scanner, and the stream that tells of each change. */
const controlTable = (scope: Construct): TableV2 =>
  new TableV2(scope, 'Table', {
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

const expiring = (prefix: string) => ({
  id: `expire-${prefix.replaceAll('/', '')}`,
  prefix,
  expiration: Duration.days(30),
  noncurrentVersionExpiration: Duration.days(30),
  abortIncompleteMultipartUploadAfter: Duration.days(1),
});

/** Uploads, lists and reports. Its events go to the event bus, without a custom resource. */
const controlBucket = (scope: Construct): Bucket => {
  const bucket = new Bucket(scope, 'Bucket', {
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [prefixes.drops, prefixes.uploads, prefixes.reports, prefixes.derived].map(expiring),
  });
  (bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
    eventBridgeConfiguration: { eventBridgeEnabled: true },
  };
  acknowledge(
    bucket,
    'AwsSolutions-S1',
    'Who wrote what is in the audit records; data events of the account are for the organisation to switch on.',
  );
  return bucket;
};

/**
 * A message whose worker was lost comes again after this. Lambda's advice of six times the time-out is for pollers that are
 * throttled, which the event source's own limit of concurrency keeps them from being.
 */
const visibilityOf = (timeout: Duration): Duration => Duration.seconds(timeout.toSeconds() + 60);

/** Table, bucket and queues. The table and the bucket outlive the stack. */
export class Storage extends Construct {
  readonly table: TableV2;
  readonly bucket: Bucket;
  /** What a worker could not do after all its tries, to be looked at and replayed. */
  readonly deadLetters: Queue;
  /** Stands between the bucket's events and the import worker. */
  readonly imports: Queue;

  /** How long revisions and audit records are kept, in days; 0: for ever. */
  readonly historyDays: string;

  constructor(scope: Construct, id: string, props: { importTimeout: Duration; historyDays: string }) {
    super(scope, id);
    this.historyDays = props.historyDays;
    this.table = controlTable(this);
    this.bucket = controlBucket(this);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.imports = new Queue(this, 'Imports', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(4),
      visibilityTimeout: visibilityOf(props.importTimeout),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
  }
}
