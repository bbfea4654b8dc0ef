import { roleOf } from './iam/roles.ts';
import { type Names, resolve } from './intrinsics.ts';
import type {
  ApiModel,
  BucketEncryption,
  BucketModel,
  EventRuleModel,
  EventSourceModel,
  FunctionModel,
  KeyModel,
  PolicyDocument,
  QueueModel,
  StackModel,
  TableModel,
  TopicRuleModel,
} from './model.ts';
import { periodOf } from './schedules.ts';

type Properties = Record<string, never>;

interface Resource {
  Type: string;
  Properties?: Properties;
  Metadata?: Record<string, string>;
}

/** A CloudFormation template, as far as it is read here. */
export interface Template {
  Resources: Record<string, Resource>;
  Parameters?: Record<string, { Default?: string; AllowedPattern?: string }>;
}

export interface TemplateOptions {
  region: string;
  accountId: string;
  /** Values of the template's parameters; the others take their defaults. */
  parameters: Record<string, string>;
  /** Name of the table and of the first bucket, which the template leaves to CloudFormation, and with which those of other buckets begin. */
  name: string;
}

/** What means nothing on one machine: which services may call which is AWS's to enforce, logs are files here, nobody is called, and there is one version of each function. */
const ignoredTypes = new Set([
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Logs::LogGroup',
  'AWS::Lambda::Permission',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CodeDeploy::Application',
  'AWS::CodeDeploy::DeploymentGroup',
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SNS::Subscription',
]);

const readTypes = new Set([
  'AWS::DynamoDB::GlobalTable',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::Lambda::Function',
  'AWS::Lambda::Version',
  'AWS::Lambda::Alias',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Events::Rule',
  'AWS::KMS::Key',
  'AWS::KMS::Alias',
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
  'AWS::IoT::Policy',
  'AWS::IoT::ThingType',
  'AWS::IoT::TopicRule',
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Authorizer',
]);

const assertKnown = (template: Template): void => {
  for (const [id, { Type }] of Object.entries(template.Resources))
    if (!readTypes.has(Type) && !ignoredTypes.has(Type))
      throw new TypeError(`The embedded stack cannot honour ${id}: it does not know ${Type}.`);
};

const arn = (options: TemplateOptions, service: string, resource: string): string =>
  `arn:aws:${service}:${options.region}:${options.accountId}:${resource}`;

/** Physical names and ARNs, by logical id. */
const namesOf = (template: Template, options: TemplateOptions): Names => {
  const typeOf = (id: string) => template.Resources[id]?.Type;
  const pseudo: Record<string, string> = {
    'AWS::Region': options.region,
    'AWS::AccountId': options.accountId,
    'AWS::Partition': 'aws',
    'AWS::StackName': options.name,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const attributes: Record<string, (id: string) => Record<string, string>> = {
    'AWS::DynamoDB::GlobalTable': () => ({
      Arn: arn(options, 'dynamodb', `table/${options.name}`),
      StreamArn: arn(options, 'dynamodb', `table/${options.name}/stream/1`),
    }),
    'AWS::S3::Bucket': (id) => ({ Arn: `arn:aws:s3:::${bucketName(template, options, id)}` }),
    'AWS::SQS::Queue': (id) => ({ Arn: arn(options, 'sqs', id), QueueName: id }),
    'AWS::Lambda::Function': (id) => ({ Arn: arn(options, 'lambda', `function:${id}`) }),
    'AWS::Lambda::Version': () => ({ Version: '1' }),
    'AWS::KMS::Key': (id) => ({ Arn: arn(options, 'kms', `key/${id}`), KeyId: id }),
    'AWS::IAM::Role': (id) => ({ Arn: `arn:aws:iam::${options.accountId}:role/${id}` }),
    'AWS::Events::Rule': (id) => ({ Arn: arn(options, 'events', `rule/${id}`) }),
    'AWS::IoT::TopicRule': (id) => ({ Arn: arn(options, 'iot', `rule/${id}`) }),
    'AWS::Logs::LogGroup': (id) => ({ Arn: arn(options, 'logs', `log-group:${id}`) }),
  };
  return {
    ref(id) {
      if (id in pseudo) return pseudo[id];
      if (template.Parameters && id in template.Parameters)
        return options.parameters[id] ?? template.Parameters[id]?.Default;
      const type = typeOf(id);
      if (type === 'AWS::IoT::ThingType') return thingTypeName(template, options, id);
      if (type === 'AWS::S3::Bucket') return bucketName(template, options, id);
      if (type === 'AWS::Lambda::Alias') return aliasArn(template, options, id);
      return type === 'AWS::DynamoDB::GlobalTable' ? options.name : type && id;
    },
    attribute: (id, attribute) => attributes[typeOf(id) ?? '']?.(id)[attribute],
  };
};

/** The first bucket has the stack's name; each other one its own id after it, in the lower case that a bucket's name needs. */
const bucketName = (template: Template, { name }: TemplateOptions, id: string): string => {
  const [first] = Object.entries(template.Resources).find(([, { Type }]) => Type === 'AWS::S3::Bucket') ?? [];
  return id === first ? name : `${name}-${id.toLowerCase()}`;
};

const thingTypeName = (template: Template, options: TemplateOptions, id: string): string => {
  const given = template.Resources[id]?.Properties?.['ThingTypeName'] as unknown;
  return given === undefined ? id : String(resolve(namesOf(template, options), given));
};

const aliasArn = (template: Template, options: TemplateOptions, id: string): string => {
  const { FunctionName, Name } = template.Resources[id]?.Properties ?? {};
  return arn(options, 'lambda', `function:${resolve(namesOf(template, options), FunctionName)}:${Name}`);
};

// biome-ignore lint/suspicious/noExplicitAny: a template's properties have the shapes that CloudFormation gives them.
type Shape = any;

interface Found {
  id: string;
  properties: Shape;
  metadata: Record<string, string>;
}

/** Resources of one type, with everything resolved. */
const finder =
  (template: Template, names: Names) =>
  (type: string): Found[] =>
    Object.entries(template.Resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, { Properties = {}, Metadata = {} }]) => ({
        id,
        properties: resolve(names, Properties),
        metadata: Metadata,
      }));

type Find = ReturnType<typeof finder>;

const one = (found: Found[], what: string): Found => {
  const [first, ...more] = found;
  if (!first || more.length > 0) throw new TypeError(`The embedded stack takes exactly one ${what}.`);
  return first;
};

/** Names of aliases, by function. There is one version here, and each alias is of it. */
const aliasesOf = (find: Find): Map<string, string[]> => {
  const aliases = Map.groupBy(find('AWS::Lambda::Alias'), ({ properties }) =>
    String(properties.FunctionName),
  );
  return new Map(
    [...aliases].map(([id, found]) => [id, found.map(({ properties }) => String(properties.Name))]),
  );
};

/** What is declared for asynchronous invocations: of an alias, or of what was deployed last. */
const asyncConfigsOf = (find: Find, aliases: Map<string, string[]>): Map<string, Shape> => {
  const configs = find('AWS::Lambda::EventInvokeConfig').map(({ id, properties }) => {
    const { FunctionName: name, Qualifier: qualifier } = properties;
    if (qualifier !== '$LATEST' && !aliases.get(name)?.includes(qualifier))
      throw new TypeError(`The embedded stack cannot honour ${id}: ${name} has no alias ${qualifier}.`);
    return [name, properties] as const;
  });
  return new Map(configs);
};

const functionsOf = (find: Find, names: Names, template: Template): FunctionModel[] => {
  const aliases = aliasesOf(find);
  const asynchronous = asyncConfigsOf(find, aliases);
  return find('AWS::Lambda::Function').map(({ id, properties, metadata }) => {
    const entry = metadata['Entry'];
    if (entry === undefined) throw new TypeError(`Function ${id} does not name its source in its metadata.`);
    const config = asynchronous.get(id);
    const destination = config?.DestinationConfig?.OnFailure?.Destination;
    return {
      id,
      arn: names.attribute(id, 'Arn') ?? id,
      aliases: aliases.get(id) ?? [],
      entry,
      ...(properties.Description === undefined ? {} : { description: properties.Description }),
      timeoutSeconds: properties.Timeout ?? 3,
      environment: properties.Environment?.Variables ?? {},
      asyncRetries: config?.MaximumRetryAttempts ?? 2,
      role: roleOf(template, names, id),
      ...(destination === undefined ? {} : { onFailureQueueArn: destination }),
      ...(properties.ReservedConcurrentExecutions === undefined
        ? {}
        : { reservedConcurrency: properties.ReservedConcurrentExecutions }),
    };
  });
};

type Invoked = (name: string) => string;

/**
 * The ARN of the function that a name or an ARN means, with or without one of its aliases; what is no function of the template stays
 * as it is.
 */
const invokedBy =
  (functions: readonly FunctionModel[]): Invoked =>
  (name) => {
    const fn = functions.find(({ id, arn }) =>
      [id, arn].some((own) => name === own || name.startsWith(`${own}:`)),
    );
    const [, alias] = /:([^:]+)$/.exec(name.replace(fn?.arn ?? '', '')) ?? [];
    if (fn && alias !== undefined && !fn.aliases.includes(alias))
      throw new TypeError(`The embedded stack cannot honour ${name}: there is no such alias.`);
    return fn?.arn ?? name;
  };

const apiOf = (find: Find, invoked: Invoked): ApiModel => {
  const integrations = new Map(
    find('AWS::ApiGatewayV2::Integration').map(({ id, properties }) => [id, properties]),
  );
  const { properties: authorizer } = one(find('AWS::ApiGatewayV2::Authorizer'), 'authorizer');
  const routes = find('AWS::ApiGatewayV2::Route').map(({ properties }) => ({
    routeKey: properties.RouteKey,
    functionArn: invoked(
      integrations.get(String(properties.Target).replace('integrations/', ''))?.IntegrationUri,
    ),
    scopes: properties.AuthorizationType === 'JWT' ? (properties.AuthorizationScopes ?? []) : null,
  }));
  return {
    issuer: authorizer.JwtConfiguration.Issuer,
    audience: authorizer.JwtConfiguration.Audience,
    routes,
  };
};

const tableOf = (find: Find, names: Names): TableModel => {
  const { id, properties } = one(find('AWS::DynamoDB::GlobalTable'), 'table');
  const { AttributeDefinitions, KeySchema, BillingMode, GlobalSecondaryIndexes, StreamSpecification } =
    properties;
  const name = names.ref(id) ?? id;
  const keyArn = properties.Replicas?.[0]?.SSESpecification?.KMSMasterKeyId;
  return {
    name,
    arn: names.attribute(id, 'Arn') ?? '',
    ...(keyArn === undefined ? {} : { keyArn }),
    streamArn: names.attribute(id, 'StreamArn') ?? '',
    create: {
      TableName: name,
      AttributeDefinitions,
      KeySchema,
      BillingMode,
      GlobalSecondaryIndexes,
      StreamSpecification: { StreamEnabled: true, StreamViewType: StreamSpecification.StreamViewType },
    },
    ...(properties.TimeToLiveSpecification?.Enabled
      ? { ttlAttribute: properties.TimeToLiveSpecification.AttributeName }
      : {}),
  };
};

/** Keys with their aliases. Only symmetric keys, and only aliases of keys that the template declares. */
const keysOf = (find: Find, names: Names): KeyModel[] => {
  const aliases = find('AWS::KMS::Alias');
  const keys = find('AWS::KMS::Key').map(({ id, properties }) => {
    if ((properties.KeySpec ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT' || properties.Enabled === false)
      throw new TypeError(`The embedded stack cannot honour ${id}: it knows only symmetric keys in use.`);
    return { id, arn: names.attribute(id, 'Arn') ?? '', aliases: [] as string[] };
  });
  for (const { id, properties } of aliases) {
    const key = keys.find((one) => [one.id, one.arn].includes(properties.TargetKeyId));
    if (!key) throw new TypeError(`The alias ${id} is not of a key that the template declares.`);
    key.aliases.push(properties.AliasName);
  }
  return keys;
};

const defaultEncryption = (id: string, properties: Shape, keys: KeyModel[]): BucketEncryption | undefined => {
  const [rule] = properties.BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
  const { SSEAlgorithm: algorithm = 'AES256', KMSMasterKeyID: master } =
    rule?.ServerSideEncryptionByDefault ?? {};
  if (algorithm === 'AES256') return undefined;
  const key = keys.find((one) => [one.id, one.arn, ...one.aliases].includes(master));
  if (algorithm !== 'aws:kms' || !key)
    throw new TypeError(
      `The embedded stack cannot honour ${id}: it knows ${algorithm} only by a key of the template.`,
    );
  return { keyArn: key.arn, bucketKey: rule.BucketKeyEnabled === true };
};

const bucketsOf = (find: Find, names: Names, keys: KeyModel[]): BucketModel[] =>
  find('AWS::S3::Bucket').map(({ id, properties }) => {
    const encryption = defaultEncryption(id, properties, keys);
    return {
      name: names.ref(id) ?? id,
      arn: names.attribute(id, 'Arn') ?? '',
      versioned: properties.VersioningConfiguration?.Status === 'Enabled',
      eventBridge:
        properties.NotificationConfiguration?.EventBridgeConfiguration?.EventBridgeEnabled === true,
      ...(encryption ? { encryption } : {}),
    };
  });

const queuesOf = (find: Find, names: Names): QueueModel[] =>
  find('AWS::SQS::Queue').map(({ id, properties }) => ({
    arn: names.attribute(id, 'Arn') ?? '',
    name: id,
    visibilityTimeoutSeconds: properties.VisibilityTimeout ?? 30,
    retentionSeconds: properties.MessageRetentionPeriod ?? 345_600,
    ...(properties.RedrivePolicy
      ? {
          redrive: {
            deadLetterArn: properties.RedrivePolicy.deadLetterTargetArn,
            maxReceiveCount: properties.RedrivePolicy.maxReceiveCount,
          },
        }
      : {}),
  }));

const eventSourcesOf = (find: Find, invoked: Invoked): EventSourceModel[] =>
  find('AWS::Lambda::EventSourceMapping').map(({ id, properties }) => {
    const destination = properties.DestinationConfig?.OnFailure?.Destination;
    const maxConcurrency = properties.ScalingConfig?.MaximumConcurrency;
    return {
      id,
      sourceArn: properties.EventSourceArn,
      functionArn: invoked(properties.FunctionName),
      batchSize: properties.BatchSize ?? 10,
      filters: (properties.FilterCriteria?.Filters ?? []).map((filter: Shape) => JSON.parse(filter.Pattern)),
      maxRetries: properties.MaximumRetryAttempts ?? -1,
      maxRecordAgeSeconds: properties.MaximumRecordAgeInSeconds ?? -1,
      bisect: properties.BisectBatchOnFunctionError === true,
      partialResponses: (properties.FunctionResponseTypes ?? []).includes('ReportBatchItemFailures'),
      parallelization: properties.ParallelizationFactor ?? 1,
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      ...(destination === undefined ? {} : { onFailureArn: destination }),
    };
  });

const rateOf = (id: string, expression: string): number => {
  const period = periodOf(expression);
  if (period !== undefined) return period;
  throw new TypeError(
    `The embedded stack cannot honour ${id}: of schedules it knows rate(...), and not ${expression}.`,
  );
};

const targetOf = (rule: string, target: Shape, invoked: Invoked): EventRuleModel['targets'][number] => {
  if (target.InputPath !== undefined || target.InputTransformer !== undefined)
    throw new TypeError(`The embedded stack cannot honour ${rule}: it does not transform events.`);
  return {
    arn: invoked(target.Arn),
    ...(target.Input === undefined ? {} : { input: JSON.parse(target.Input) }),
  };
};

/** Rules that are switched on. */
const eventRulesOf = (find: Find, names: Names, invoked: Invoked): EventRuleModel[] =>
  find('AWS::Events::Rule')
    .filter(({ properties }) => properties.State !== 'DISABLED')
    .map(({ id, properties }) => ({
      id,
      arn: names.attribute(id, 'Arn') ?? '',
      ...(properties.EventPattern ? { pattern: properties.EventPattern } : {}),
      ...(properties.ScheduleExpression ? { periodMs: rateOf(id, properties.ScheduleExpression) } : {}),
      targets: (properties.Targets ?? []).map((target: Shape) => targetOf(id, target, invoked)),
    }));

const topicRulesOf = (find: Find, invoked: Invoked): TopicRuleModel[] =>
  find('AWS::IoT::TopicRule').map(({ id, properties: { TopicRulePayload } }) => ({
    name: id,
    sql: TopicRulePayload.Sql,
    functionArns: TopicRulePayload.Actions.map((action: Shape) => {
      if (!action.Lambda)
        throw new TypeError(`Rule ${id} has an action that the embedded stack does not know.`);
      return invoked(action.Lambda.FunctionArn);
    }),
  }));

const iotPoliciesOf = (find: Find): { name: string; document: PolicyDocument }[] =>
  find('AWS::IoT::Policy').map(({ id, properties }) => ({ name: id, document: properties.PolicyDocument }));

/**
 * The stack that a template declares, as data for the embedded stack to run. Throws, naming it, on any resource that it cannot honour:
 * what runs here is what is declared, no more and no less.
 */
export const readTemplate = (template: Template, options: TemplateOptions): StackModel => {
  assertKnown(template);
  const names = namesOf(template, options);
  const find = finder(template, names);
  const keys = keysOf(find, names);
  const functions = functionsOf(find, names, template);
  const invoked = invokedBy(functions);
  return {
    region: options.region,
    accountId: options.accountId,
    functions,
    api: apiOf(find, invoked),
    table: tableOf(find, names),
    buckets: bucketsOf(find, names, keys),
    keys,
    queues: queuesOf(find, names),
    eventSources: eventSourcesOf(find, invoked),
    eventRules: eventRulesOf(find, names, invoked),
    topicRules: topicRulesOf(find, invoked),
    iotPolicies: iotPoliciesOf(find),
    thingTypes: find('AWS::IoT::ThingType').map(({ id }) => names.ref(id) ?? id),
  };
};
