/**
 * What the embedded stack runs, as plain data: read from the template that `infra/` synthesizes
 * (`local/template.ts`), so that routes, event sources, filters, policies and environment are declared once.
 */
export interface StackModel {
  region: string;
  accountId: string;
  functions: FunctionModel[];
  api: ApiModel;
  table: TableModel;
  buckets: BucketModel[];
  keys: KeyModel[];
  queues: QueueModel[];
  /** DynamoDB stream or queue to function. */
  eventSources: EventSourceModel[];
  /** EventBridge rules. */
  eventRules: EventRuleModel[];
  topicRules: TopicRuleModel[];
  iotPolicies: { name: string; document: PolicyDocument }[];
  thingTypes: string[];
}

/** A function is known by its logical id in the template; `arn` is what other resources name. */
export interface FunctionModel {
  id: string;
  arn: string;
  /** Names of its aliases, by which it is invoked as by its own name. */
  aliases: readonly string[];
  description?: string;
  /** Path of its source from the root of the checkout, as the template names it, e.g. `functions/api/scanners.lambda.ts`; exports `handler`. */
  entry: string;
  /** Paths of what was bundled, where it was: its code, which is run in place of the source, and the inside of an environment, which runs it. */
  bundle?: { code: string; inside: string };
  timeoutSeconds: number;
  /** Most environments at once; absent: the embedded stack's own cap. */
  reservedConcurrency?: number;
  environment: Record<string, string>;
  /** For asynchronous invocations: retries after the first try (0 to 2) and where a failed event goes. */
  asyncRetries: number;
  onFailureQueueArn?: string;
  /** In whose name it calls; absent: it may do nothing. */
  role?: RoleModel;
}

/** An execution role and all of its policies. */
export interface RoleModel {
  arn: string;
  policies: PolicyDocument[];
}

export interface ApiModel {
  issuer: string;
  audience: string[];
  routes: { routeKey: string; functionArn: string; scopes: string[] | null }[];
  cors?: unknown;
}

export interface TableModel {
  name: string;
  arn: string;
  streamArn: string;
  /** Input of the SDK's CreateTable command, derived from the template. */
  create: Record<string, unknown>;
  ttlAttribute?: string;
  /** ARN of the customer's key that encrypts it; absent: it is one of DynamoDB's own. */
  keyArn?: string;
}

export interface BucketModel {
  name: string;
  arn: string;
  versioned: boolean;
  /** Object events go to the event bus (EventBridge) when true. */
  eventBridge: boolean;
  /** How objects are encrypted at rest; absent: they are not. */
  encryption?: BucketEncryption;
}

/** SSE-KMS as the default of a bucket. */
export interface BucketEncryption {
  /** ARN of the key. */
  keyArn: string;
  /** One key of the bucket stands between the KMS key and those of the objects. */
  bucketKey: boolean;
}

/** A symmetric key of KMS. */
export interface KeyModel {
  id: string;
  arn: string;
  /** Each `alias/…`. */
  aliases: string[];
}

export interface QueueModel {
  arn: string;
  name: string;
  visibilityTimeoutSeconds: number;
  retentionSeconds: number;
  redrive?: { deadLetterArn: string; maxReceiveCount: number };
}

export interface EventSourceModel {
  id: string;
  sourceArn: string;
  functionArn: string;
  batchSize: number;
  /** Filter patterns; a record passes when one of them matches; an empty list passes all. */
  filters: unknown[];
  maxRetries: number;
  maxRecordAgeSeconds: number;
  bisect: boolean;
  partialResponses: boolean;
  parallelization: number;
  maxConcurrency?: number;
  /** Where a batch goes that failed for good: a queue, which is told where it lies, or a bucket, which is given the batch, too. */
  onFailureArn?: string;
}

export interface EventRuleModel {
  id: string;
  arn: string;
  /** What an event must match; absent: no event does. */
  pattern?: unknown;
  /** The rule also fires every so many milliseconds: `rate(1 minute)` and the like. */
  periodMs?: number;
  targets: { arn: string; input?: unknown }[];
}

export interface TopicRuleModel {
  name: string;
  sql: string;
  functionArns: string[];
}

/** An IAM or IoT policy document with all intrinsics resolved. */
export interface PolicyDocument {
  Version: string;
  Statement: {
    Effect: 'Allow' | 'Deny';
    Action: string | string[];
    Resource: string | string[];
    Condition?: unknown;
  }[];
}
