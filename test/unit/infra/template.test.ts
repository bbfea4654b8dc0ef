import { existsSync, readdirSync } from 'node:fs';
import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { bindObjects } from '../../../infra/bind.ts';
import { ControlPlaneFunction } from '../../../infra/functions.ts';
import { Storage } from '../../../infra/storage.ts';
import { bindPolicies, compilePolicy } from '../../../local/iot/policy.ts';
import { synthesize } from '../../../local/synthesize.ts';
import { readTemplate } from '../../../local/template.ts';
import { mostAttempts } from '../../../shared/domain/import-job.ts';
import { type Operation, routeKey } from '../../../shared/operations/define.ts';
import { operations } from '../../../shared/operations/index.ts';
import { prefixes, sweptPrefixes } from '../../../shared/tables.ts';
import { controlPlaneApp, emptyApp } from './app.ts';

const { stack } = controlPlaneApp();
const template = Template.fromStack(stack);
const options = {
  region: 'eu-west-1',
  accountId: '000000000000',
  parameters: { Issuer: 'https://i' },
  name: 'n',
};
const model = readTemplate(template.toJSON() as never, options);
const registry: readonly Operation[] = operations;

const propertiesOf = (type: string) =>
  Object.values(template.findResources(type)).map(
    (resource) => (resource as { Properties: Record<string, never> }).Properties,
  );

interface Statement {
  Action: string | string[];
  Resource: unknown;
}
interface Policy {
  PolicyDocument: { Statement: Statement[] };
}
const sorted = (names: string[]) => names.toSorted();
const [keyId = ''] = Object.keys(template.findResources('AWS::KMS::Key'));

describe('the API', () => {
  it('has the routes of the registry, both ways, each with its scope and its function', () => {
    const declared = model.api.routes.map(({ routeKey: key, functionArn, scopes }) => {
      const fn = model.functions.find((candidate) => candidate.arn === functionArn);
      return `${key} ${scopes?.join() ?? 'open'} ${fn?.entry}`;
    });
    const wanted = registry.map(
      (operation) =>
        `${routeKey(operation)} ${operation.scope ?? 'open'} functions/api/${operation.resource}.lambda.ts`,
    );

    expect(declared.sort()).toEqual(wanted.sort());
  });

  it('is open only for health and the OpenAPI document', () => {
    expect(registry.filter((operation) => operation.scope === null).map((operation) => operation.id)).toEqual(
      ['get-health', 'get-openapi'],
    );
  });

  it('is throttled and logs every request without its token', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
      AccessLogSettings: { Format: Match.stringLikeRegexp('requestId') },
    });
    const [stage] = propertiesOf('AWS::ApiGatewayV2::Stage');
    expect(JSON.stringify(stage)).not.toMatch(/authorization(?!izer)/i);
  });
});

describe('functions', () => {
  it('are Node 24 on arm64, traced, each with a role and a log group of its own', () => {
    const functions = propertiesOf('AWS::Lambda::Function') as unknown as {
      Runtime: string;
      Architectures: string[];
      Role: object;
      TracingConfig: object;
    }[];

    expect(functions).toHaveLength(21);
    for (const fn of functions)
      expect(fn).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
      });
    expect(new Set(functions.map((fn) => JSON.stringify(fn.Role))).size).toBe(functions.length);
    template.resourceCountIs('AWS::Logs::LogGroup', functions.length + 1);
  });

  it('have an entry each, and every entry has its function', () => {
    const entries = ['functions/api', 'functions/workers'].flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.lambda.ts'))
        .map((file) => `${folder}/${file}`),
    );

    expect(model.functions.map((fn) => fn.entry).sort()).toEqual(entries.sort());
  });

  it('that are invoked asynchronously keep what fails', () => {
    for (const name of [
      'report',
      'presence',
      'artifacts',
      'import',
      'derive',
      'renew',
      'watch-certificates',
      'sweep',
      'decommission',
    ]) {
      const fn = model.functions.find((candidate) => candidate.entry.endsWith(`${name}.lambda.ts`));
      expect(fn).toMatchObject({
        asyncRetries: 2,
        onFailureQueueArn: expect.stringContaining('DeadLetters'),
      });
    }
    for (const config of propertiesOf('AWS::Lambda::EventInvokeConfig') as unknown as Record<
      string,
      unknown
    >[])
      expect(config['MaximumEventAgeInSeconds']).toBe(21_600);
  });
});

describe('event sources', () => {
  const source = (entry: string, kind: 'dynamodb' | 'sqs') => {
    const fn = model.functions.find((candidate) => candidate.entry.endsWith(entry));
    return model.eventSources.find(
      (one) => one.functionArn === fn?.arn && one.sourceArn.includes(`:${kind}:`),
    );
  };

  it('of the publisher pass heads and registrations, and end with the dead letters', () => {
    expect(source('publish.lambda.ts', 'dynamodb')).toMatchObject({
      batchSize: 50,
      filters: [{ eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { sk: { S: ['head', 'scanner'] } } } }],
      maxRetries: 5,
      bisect: true,
      partialResponses: true,
      onFailureArn: expect.stringMatching(/^arn:aws:s3:::n-.*deadrecords/),
    });
  });

  it('read the stream twice at most: no more readers may share a shard', () => {
    const readers = model.eventSources.filter(({ sourceArn }) => sourceArn.includes(':dynamodb:'));
    const entries = readers.map(
      ({ functionArn }) => model.functions.find((fn) => fn.arn === functionArn)?.entry,
    );
    expect(entries.sort()).toEqual([
      'functions/workers/publish.lambda.ts',
      'functions/workers/route.lambda.ts',
    ]);
  });

  it('of imports are the queue', () => {
    expect(source('import.lambda.ts', 'sqs')).toMatchObject({
      batchSize: 1,
      partialResponses: true,
      maxConcurrency: 10,
    });
  });

  it('of the router pass imports that may go on, artifacts that were changed or deleted, wishes, rollouts, looks asked for, and Scanners to clear away', () => {
    const router = source('route.lambda.ts', 'dynamodb');
    expect(router).toMatchObject({
      batchSize: 100,
      maxRetries: 5,
      bisect: true,
      partialResponses: true,
      onFailureArn: expect.stringMatching(/^arn:aws:s3:::n-.*deadrecords/),
    });
    expect(router?.filters).toEqual([
      {
        eventName: ['MODIFY'],
        dynamodb: {
          Keys: { sk: { S: ['import'] } },
          NewImage: { state: { S: ['uploaded'] }, wokenAt: { S: [{ exists: true }] } },
        },
      },
      { eventName: ['MODIFY', 'REMOVE'], dynamodb: { Keys: { sk: { S: ['artifact'] } } } },
      { eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { sk: { S: ['derived', 'rollout'] } } } },
      {
        eventName: ['INSERT', 'MODIFY'],
        dynamodb: { Keys: { sk: { S: ['due'] } }, NewImage: { askedAt: { S: [{ exists: true }] } } },
      },
      {
        eventName: ['MODIFY'],
        dynamodb: {
          Keys: { sk: { S: ['scanner'] } },
          NewImage: {
            decommissionedAt: { S: [{ exists: true }] },
            clearedAt: { S: [{ exists: false }] },
          },
        },
      },
    ]);
  });

  it('have five filters at most, as many as a mapping may have unasked', () => {
    for (const { filters } of model.eventSources) expect(filters.length).toBeLessThanOrEqual(5);
  });

  it('read a stream from its beginning', () => {
    for (const mapping of propertiesOf('AWS::Lambda::EventSourceMapping') as unknown as Record<
      string,
      unknown
    >[])
      if ('StartingPosition' in mapping) expect(mapping['StartingPosition']).toBe('TRIM_HORIZON');
  });

  it('let a message be handled once while its worker may still run, and five times in all', () => {
    const worker = model.functions.find((fn) => fn.entry.endsWith('import.lambda.ts'));
    const queue = model.queues.find((one) => one.name.includes('Imports'));

    expect(queue?.visibilityTimeoutSeconds).toBeGreaterThan(worker?.timeoutSeconds ?? 0);
    expect(queue?.redrive?.maxReceiveCount).toBe(5);
    expect(mostAttempts).toBeLessThan(5);
  });

  it('take only objects of the drop zone and of uploads', () => {
    expect(model.eventRules.filter((rule) => rule.pattern !== undefined)).toEqual([
      expect.objectContaining({
        pattern: expect.objectContaining({
          source: ['aws.s3'],
          detail: {
            bucket: { name: ['n'] },
            object: { key: [{ prefix: 'imports/' }, { prefix: 'uploads/' }] },
          },
        }),
      }),
    ]);
  });
});

describe('the router', () => {
  const workers = ['import', 'renew', 'derive', 'reconcile', 'decommission', 'rollout'].map((name) => {
    const fn = model.functions.find(({ entry }) => entry === `functions/workers/${name}.lambda.ts`);
    const live = `${fn?.id.replace(/Function\w+$/, 'Live')}`;
    const [alias = ''] = Object.keys(template.findResources('AWS::Lambda::Alias')).filter((id) =>
      id.startsWith(live),
    );
    return { arn: fn?.arn ?? '', alias, variable: `${name.toUpperCase()}_FUNCTION` };
  });

  it('knows the live versions of the workers that it wakes', () => {
    const router = model.functions.find(({ entry }) => entry.endsWith('route.lambda.ts'));
    for (const { arn, variable } of workers) expect(router?.environment[variable]).toBe(`${arn}:live`);
  });

  it('alone may invoke functions, and no others than these', () => {
    const invoking = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap((policy) => (policy['Properties'] as Policy).PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().includes('lambda:InvokeFunction'));
    expect(invoking.flatMap(({ Resource }) => Resource)).toEqual(
      expect.arrayContaining(workers.map(({ alias }) => ({ Ref: alias }))),
    );
    expect(invoking.flatMap(({ Resource }) => Resource)).toHaveLength(workers.length);
    expect(new Set(invoking.map(({ Action }) => Action))).toEqual(new Set(['lambda:InvokeFunction']));
  });
});

describe('what clears away after Scanners', () => {
  const fn = model.functions.find(({ entry }) => entry.endsWith('decommission.lambda.ts'));
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).map(
    (policy) => policy['Properties'] as Policy,
  );
  const allowed = (prefix: string, what: (statements: Statement[]) => boolean) =>
    policies
      .map(({ PolicyDocument }) => PolicyDocument.Statement)
      .filter(what)
      .flatMap((statements) => statements.flatMap(({ Action }) => Action))
      .filter((action) => action.startsWith(prefix));

  it('alone may end connections and delete shadows and things, and makes nothing', () => {
    const isIts = (statements: Statement[]) =>
      statements.some(({ Action }) => [Action].flat().includes('iot:DeleteConnection'));
    expect(fn?.timeoutSeconds).toBe(60);
    expect(sorted([...new Set(allowed('iot:', isIts))])).toEqual([
      'iot:DeleteConnection',
      'iot:DeleteThing',
      'iot:DeleteThingShadow',
      'iot:DetachThingPrincipal',
      'iot:ListNamedShadowsForThing',
      'iot:ListThingPrincipals',
      'iot:UpdateCertificate',
    ]);
    expect(allowed('iot:Delete', (statements) => !isIts(statements))).toEqual([]);
    expect(policies.filter(({ PolicyDocument }) => isIts(PolicyDocument.Statement))).toHaveLength(1);
  });
});

describe('the sweep', () => {
  it('is woken each hour, and may list and delete versions of what it sweeps, and nothing else', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { Ref: Match.stringLikeRegexp('^WorkersSweepLive') } })],
    });
    const deleting = JSON.stringify(propertiesOf('AWS::IAM::Policy')).match(/"s3:DeleteObjectVersion"/g);
    expect(deleting).toHaveLength(1);
  });
});

describe('storage', () => {
  it('keeps the table: recovery, deletion protection, retention, encryption, stream of both images', () => {
    template.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            SSESpecification: { KMSMasterKeyId: { 'Fn::GetAtt': [keyId, 'Arn'] } },
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  it('keeps nothing for ever that nobody names: what is below a prefix expires, is swept, or is known when it is left over', () => {
    const [bucket] = propertiesOf('AWS::S3::Bucket') as unknown as {
      LifecycleConfiguration: { Rules: { Prefix: string }[] };
    }[];
    const ruled = (bucket?.LifecycleConfiguration.Rules ?? []).map(({ Prefix }) => Prefix);
    expect([...new Set([...ruled, ...sweptPrefixes, prefixes.sweep])].sort()).toEqual(
      Object.values(prefixes).sort(),
    );
  });

  it('keeps the bucket: versions, encryption, no public access, TLS only, events, and no chunk ever expires', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: { 'Fn::GetAtt': [keyId, 'Arn'] },
              },
            },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
    const [bucket] = propertiesOf('AWS::S3::Bucket') as unknown as [
      { LifecycleConfiguration: { Rules: { Prefix: string }[] } },
    ];
    expect(bucket.LifecycleConfiguration.Rules.map((rule) => rule.Prefix).sort()).toEqual([
      'derived/',
      'imports/',
      'reports/',
      'secrets/',
      'uploads/',
    ]);
  });

  it('has one key for both, which rotates, has an alias and is kept', () => {
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.hasResource('AWS::KMS::Key', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { EnableKeyRotation: true },
    });
    template.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/ScannerControlPlane' });
    expect(model.keys).toEqual([expect.objectContaining({ aliases: ['alias/ScannerControlPlane'] })]);
    expect(model.buckets[0]?.encryption).toEqual({ keyArn: model.keys[0]?.arn, bucketKey: true });
  });

  it('forgets a secret that was replaced or deleted after a day', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({
            Prefix: 'secrets/',
            Status: 'Enabled',
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            ExpiredObjectDeleteMarker: true,
          }),
        ]),
      },
    });
  });
});

describe('the use of the key', () => {
  const [tableId] = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'));
  const [bucketId = '', deadId = ''] = Object.keys(template.findResources('AWS::S3::Bucket'));
  const throughTable = {
    Action: 'kms:Decrypt',
    Condition: {
      StringLike: { 'kms:ViaService': 'dynamodb.*.amazonaws.com' },
      StringEquals: { 'kms:EncryptionContext:aws:dynamodb:tableName': { Ref: tableId } },
    },
  };
  const throughBucket = (id: string) => ({
    Condition: {
      StringEquals: {
        'kms:ViaService': { 'Fn::Join': ['', ['s3.', { Ref: 'AWS::Region' }, '.amazonaws.com']] },
        'kms:EncryptionContext:aws:s3:arn': { 'Fn::GetAtt': [id, 'Arn'] },
      },
    },
  });
  const statementsOf = (policy: unknown) => (policy as Policy).PolicyDocument.Statement;
  const has = (statements: Statement[], action: string) =>
    statements.some((statement) => [statement.Action].flat().some((one) => one.startsWith(action)));

  /** What a function needs of the key for the objects that it may get or put. */
  const keyOfObjects = (all: Statement[]) => {
    const putsDead = all.some(
      (statement) =>
        statement.Action === 's3:PutObject' && JSON.stringify(statement.Resource).includes(deadId),
    );
    if (putsDead)
      return [expect.objectContaining({ ...throughBucket(deadId), Action: 'kms:GenerateDataKey' })];
    // Who puts an upload in parts together reads it again; who may do that may also give it up.
    const reads = has(all, 's3:GetObject') || has(all, 's3:AbortMultipartUpload');
    const actions = [
      ...(reads ? ['kms:Decrypt'] : []),
      ...(has(all, 's3:PutObject') ? ['kms:GenerateDataKey'] : []),
    ];
    if (actions.length === 0) return [];
    const Action = actions.length === 1 ? actions[0] : actions;
    return [expect.objectContaining({ ...throughBucket(bucketId), Action })];
  };

  it('is granted with each use of the table and of objects, and only through their services', () => {
    for (const policy of propertiesOf('AWS::IAM::Policy')) {
      const all = statementsOf(policy);
      const ofKey = all.filter((statement) => has([statement], 'kms:'));
      const wanted = [
        ...(has(all, 'dynamodb:') ? [expect.objectContaining(throughTable)] : []),
        ...keyOfObjects(all),
      ];
      expect(ofKey).toEqual(wanted);
      for (const statement of ofKey) expect(statement.Resource).toEqual({ 'Fn::GetAtt': [keyId, 'Arn'] });
    }
  });

  it('is not needed to delete an object, which is granted by its prefix alone', () => {
    const stage = new Stack(emptyApp(), 'Deleting');
    const storage = new Storage(stage, 'Storage', { importTimeout: Duration.minutes(1), historyDays: '0' });
    const props = { entry: 'functions/api/meta.lambda.ts', description: '', memorySize: 256 };
    const fn = new ControlPlaneFunction(stage, 'Deletes', { ...props, timeout: Duration.seconds(1) });
    bindObjects(fn, storage.bucket, { delete: [prefixes.secrets] });
    const policies = Object.values(Template.fromStack(stage).findResources('AWS::IAM::Policy'));
    const statements = policies.flatMap((policy) =>
      statementsOf((policy as { Properties: unknown }).Properties),
    );
    expect(has(statements, 'kms:')).toBe(false);
    const deleting = statements.filter((statement) => has([statement], 's3:'));
    expect(deleting).toEqual([expect.objectContaining({ Action: 's3:DeleteObject' })]);
    expect(JSON.stringify(deleting[0]?.Resource)).toContain('/secrets/*');
  });
});

describe('the dead records', () => {
  const [, deadId = ''] = Object.keys(template.findResources('AWS::S3::Bucket'));
  const policies = Object.entries(template.findResources('AWS::IAM::Policy')) as [
    string,
    { Properties: Policy },
  ][];
  const naming = policies.filter(([, policy]) => JSON.stringify(policy).includes(deadId));
  const of = (policy: Policy, action: string) =>
    policy.PolicyDocument.Statement.filter((statement) => statement.Action === action);

  it('have a bucket of their own, encrypted, without events and versions, for as long as a queue keeps a message', () => {
    const { Type, DeletionPolicy, Properties } = template.toJSON()['Resources'][deadId];
    expect([Type, DeletionPolicy]).toEqual(['AWS::S3::Bucket', 'Retain']);
    expect(Properties.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({ Status: 'Enabled', ExpirationInDays: 14 }),
    ]);
    expect(Properties.VersioningConfiguration).toBeUndefined();
    expect(model.buckets[1]).toEqual({
      name: expect.stringMatching(/^n-storagedeadrecords/),
      arn: `arn:aws:s3:::${model.buckets[1]?.name}`,
      versioned: false,
      eventBridge: false,
      encryption: { keyArn: model.keys[0]?.arn, bucketKey: true },
    });
    const [letters] = model.queues.filter(({ name }) => name.includes('DeadLetters'));
    expect(letters?.retentionSeconds).toBe(14 * 86_400);
  });

  it('are written by the roles of the stream’s two readers, who may list them, and read and delete none', () => {
    expect(naming.map(([id]) => id.replace(/^Workers(\w+?)Role.*/, '$1')).sort()).toEqual([
      'Publish',
      'Route',
    ]);
    const arn = { 'Fn::GetAtt': [deadId, 'Arn'] };
    for (const [, { Properties }] of naming) {
      const [put] = of(Properties, 's3:PutObject');
      expect(put?.Resource).toEqual({ 'Fn::Join': ['', [arn, '/*']] });
      expect(of(Properties, 's3:ListBucket').map(({ Resource }) => Resource)).toEqual([arn]);
      expect(JSON.stringify(Properties)).not.toMatch(/s3:(Get|Delete)/);
    }
  });

  it('and the dead letters are named by the outputs, for whoever replays them', () => {
    expect(Object.keys(template.toJSON()['Outputs'])).toEqual(
      expect.arrayContaining(['DeadLetterQueueUrl', 'DeadRecordBucketName']),
    );
  });
});

describe('the function that hands out links', () => {
  const policies = template.findResources('AWS::IAM::Policy') as Record<
    string,
    { Properties: { PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown }[] } } }
  >;
  const [, artifacts] = Object.entries(policies).find(([id]) => id.includes('Artifacts')) ?? [];
  const statements = artifacts?.Properties.PolicyDocument.Statement ?? [];

  it('may get what it links to: chunks, manifests, artifacts and secrets, and write no object', () => {
    const reading = statements.find((statement) => [statement.Action].flat().includes('s3:GetObject'));
    const found = [...JSON.stringify(reading?.Resource).matchAll(/"\/([^"]+\*)"/g)].map(([, key]) => key);
    expect(found.sort()).toEqual(['artifacts/*', 'lists/chunks/*', 'lists/manifests/*', 'secrets/*']);
    expect(JSON.stringify(statements)).not.toMatch(/s3:(Put|Delete)/);
  });
});

describe('a Scanner’s policy', () => {
  const own = `\${iot:Connection.Thing.ThingName}`;
  const [policy] = model.iotPolicies;
  const resources = (action: string) =>
    (policy?.document.Statement ?? [])
      .filter((statement) => statement.Action === action)
      .flatMap((statement) => statement.Resource)
      .map((arn) => arn.replace('arn:aws:iot:eu-west-1:000000000000:', ''));

  it('lets it connect as itself alone', () => {
    expect(resources('iot:Connect')).toEqual([`client/${own}`]);
  });

  it('lets it get and update its shadows, ask for artifacts, and delete nothing', () => {
    expect(resources('iot:Publish').sort()).toEqual(
      [
        ...['smtp', 'smtp-advanced', 'inventory'].flatMap((shadow) =>
          ['get', 'update'].map((request) => `topic/$aws/things/${own}/shadow/name/${shadow}/${request}`),
        ),
        `topic/scanners/${own}/artifacts/get`,
      ].sort(),
    );
  });

  it('lets it hear whatever is said to itself, and nothing else', () => {
    expect(resources('iot:Receive')).toEqual([
      `topic/$aws/things/${own}/shadow/name/*`,
      `topic/scanners/${own}/artifacts/*`,
    ]);
    expect(resources('iot:Subscribe')).toEqual([
      ...['*ed', '*/update/delta', '*/get/+'].map(
        (end) => `topicfilter/$aws/things/${own}/shadow/name/${end}`,
      ),
      `topicfilter/scanners/${own}/artifacts/*ed`,
    ]);
  });

  it('fits in the 2,048 characters of a policy where the names of partition and region are longest', () => {
    const text = JSON.stringify(policy?.document).replaceAll(
      'arn:aws:iot:eu-west-1',
      'arn:aws-us-gov:iot:ap-southeast-1',
    );
    expect(text.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(2048);
  });

  it('names its own thing in everything, and allows nothing else', () => {
    const statements = policy?.document.Statement ?? [];
    expect(statements.map((statement) => statement.Action).sort()).toEqual([
      'iot:Connect',
      'iot:Publish',
      'iot:Receive',
      'iot:Subscribe',
    ]);
    for (const statement of statements)
      for (const resource of [statement.Resource].flat()) expect(resource).toContain(own);
    for (const resource of resources('iot:Publish')) expect(resource).not.toMatch(/[+#*]/);
  });
});

describe('the topic rules', () => {
  it('name their columns, so that a payload cannot speak for another Scanner, and use the present SQL', () => {
    for (const rule of propertiesOf('AWS::IoT::TopicRule') as unknown as {
      TopicRulePayload: { Sql: string; AwsIotSqlVersion: string };
    }[]) {
      expect(rule.TopicRulePayload.AwsIotSqlVersion).toBe('2016-03-23');
      expect(rule.TopicRulePayload.Sql).not.toContain('*');
    }
  });

  it('may invoke their function only from this account and that rule', () => {
    const permissions = (
      propertiesOf('AWS::Lambda::Permission') as unknown as Record<string, unknown>[]
    ).filter((permission) => permission['Principal'] === 'iot.amazonaws.com');
    expect(permissions).toHaveLength(4);
    for (const permission of permissions) {
      expect(permission['SourceAccount']).toEqual({ Ref: 'AWS::AccountId' });
      expect(permission['SourceArn']).toBeDefined();
    }
  });
});

describe('what nobody acknowledged', () => {
  it('cdk-nag finds nothing', () => {
    const { app } = controlPlaneApp();
    const report = new AwsSolutionsChecks().validateScope(app);

    expect(
      report.violations.map((violation) => `${violation.ruleName}: ${violation.description?.slice(0, 80)}`),
    ).toEqual([]);
  });

  it('no function has an action on every resource but for those that know none', () => {
    for (const policy of propertiesOf('AWS::IAM::Policy') as unknown as {
      PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown }[] };
    }[])
      for (const statement of policy.PolicyDocument.Statement)
        if (statement.Resource === '*')
          for (const action of [statement.Action].flat())
            expect([
              'xray:PutTraceSegments',
              'xray:PutTelemetryRecords',
              'iot:CreateCertificateFromCsr',
              'iot:DescribeEndpoint',
            ]).toContain(action);
  });
});

describe('the embedded stack’s reading', () => {
  it('refuses a resource that it does not know, by name', () => {
    const strange = { ...synthesize(), Resources: { Odd: { Type: 'AWS::ECS::Cluster' } } };

    expect(() => readTemplate(strange, options)).toThrow(/Odd.*AWS::ECS::Cluster/);
  });

  it('refuses an intrinsic function that it does not know', () => {
    const base = synthesize();
    const Resources = {
      ...base.Resources,
      Odd: { Type: 'AWS::SQS::Queue', Properties: { RedrivePolicy: { 'Fn::GetAZs': '' } } },
    };

    expect(() => readTemplate({ ...base, Resources } as never, options)).toThrow(/Fn::GetAZs/);
  });

  const declared = synthesize();
  const withResources = (more: Record<string, object>) => () =>
    readTemplate({ ...declared, Resources: { ...declared.Resources, ...more } } as never, options);

  it.each([
    'cron(0 12 * * ? *)',
    'rate(1 minutes)',
  ])('refuses a schedule other than of a rate, by name: %s', (ScheduleExpression) => {
    const Odd = { Type: 'AWS::Events::Rule', Properties: { ScheduleExpression, Targets: [] } };

    expect(withResources({ Odd })).toThrow(new RegExp(`Odd.*${ScheduleExpression.slice(0, 4)}`));
  });

  it('takes a schedule of a rate with the input of its target, and no rule that is switched off', () => {
    const Targets = [{ Id: 't', Arn: 'arn:aws:lambda:x:y:function:f', Input: '{"a":1}' }];
    const Properties = { ScheduleExpression: 'rate(2 hours)', Targets };
    const On = { Type: 'AWS::Events::Rule', Properties };
    const Off = { Type: 'AWS::Events::Rule', Properties: { ...Properties, State: 'DISABLED' } };

    const rules = withResources({ On, Off })().eventRules.filter(({ id }) => ['On', 'Off'].includes(id));
    expect(rules).toEqual([
      {
        id: 'On',
        arn: 'arn:aws:events:eu-west-1:000000000000:rule/On',
        periodMs: 7_200_000,
        targets: [{ arn: 'arn:aws:lambda:x:y:function:f', input: { a: 1 } }],
      },
    ]);
  });

  it('refuses a target that transforms the event', () => {
    const Targets = [{ Id: 't', Arn: 'arn:aws:lambda:x:y:function:f', InputPath: '$.detail' }];
    const Odd = { Type: 'AWS::Events::Rule', Properties: { EventPattern: { source: ['a'] }, Targets } };

    expect(withResources({ Odd })).toThrow(/Odd.*transform/);
  });

  const encrypted = (SSEAlgorithm: string, KMSMasterKeyID?: unknown) => ({
    Type: 'AWS::S3::Bucket',
    Properties: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm, ...(KMSMasterKeyID ? { KMSMasterKeyID } : {}) } },
        ],
      },
    },
  });

  it.each<[string, Record<string, object>]>([
    ['a key that is not symmetric', { Odd: { Type: 'AWS::KMS::Key', Properties: { KeySpec: 'RSA_2048' } } }],
    ['a key that is switched off', { Odd: { Type: 'AWS::KMS::Key', Properties: { Enabled: false } } }],
    [
      'an alias of a key that is elsewhere',
      { Odd: { Type: 'AWS::KMS::Alias', Properties: { AliasName: 'alias/a', TargetKeyId: 'elsewhere' } } },
    ],
    ['a bucket with two layers of encryption', { Odd: encrypted('aws:kms:dsse', { Ref: keyId }) }],
    ['a bucket with the account’s own key', { Odd: encrypted('aws:kms') }],
  ])('refuses %s, by name', (_, more) => {
    expect(withResources(more)).toThrow(/Odd/);
  });

  it('knows the key of a bucket by its id, its ARN and its alias', () => {
    for (const name of [{ Ref: keyId }, { 'Fn::GetAtt': [keyId, 'Arn'] }, 'alias/ScannerControlPlane']) {
      const { buckets, keys } = withResources({ More: encrypted('aws:kms', name) })();
      const { arn } = keys[0] ?? {};
      expect(buckets.map((bucket) => bucket.encryption?.keyArn)).toEqual([arn, arn, arn]);
    }
  });

  it('gives parameters their values and their defaults', () => {
    const scanners = model.functions.find((fn) => fn.entry.endsWith('scanners.lambda.ts'));

    expect(model.api).toMatchObject({ issuer: 'https://i', audience: ['scanner-control-plane'] });
    expect(scanners?.environment['MQTT_SERVER_CA']).toBe('');
    expect(existsSync(scanners?.entry ?? '')).toBe(true);
  });
});

describe('the policy of Scanners', () => {
  const [policy] = model.iotPolicies;
  if (!policy) throw new Error('There is no policy.');
  const arn = (resource: string) => `arn:aws:iot:eu-west-1:000000000000:${resource}`;
  const may = bindPolicies([compilePolicy(policy.document)], {
    clientId: 'mx1',
    thing: { name: 'mx1', attributes: {} },
  } as never);
  const subscribes = (filter: string) => may('iot:Subscribe', arn(`topicfilter/${filter}`));
  const own = '$aws/things/mx1/shadow/name';

  it.each([
    ...['smtp', 'smtp-advanced'].flatMap((name) =>
      ['get/accepted', 'get/rejected', 'update/accepted', 'update/rejected', 'update/delta'].map(
        (end) => `${own}/${name}/${end}`,
      ),
    ),
    `${own}/smtp/get/+`,
    `${own}/inventory/update/accepted`,
    `${own}/inventory/update/rejected`,
    'scanners/mx1/artifacts/accepted',
    'scanners/mx1/artifacts/rejected',
  ])('lets a Scanner ask for %s', (filter) => {
    expect(subscribes(filter)).toBe(true);
    expect(may('iot:Receive', arn(`topic/${filter}`))).toBe(true);
  });

  it.each([
    '#',
    '+',
    '+/#',
    '$aws/#',
    '$aws/things/#',
    '$aws/things/mx1/#',
    '$aws/things/+/shadow/name/smtp/update/delta',
    '$aws/things/+/shadow/name/+/get/accepted',
    '$aws/things/mx2/shadow/name/smtp/get/accepted',
    `${own}/#`,
    `${own}/smtp/#`,
    `${own}/+/#`,
    `${own}/smtp/get/#`,
    '$aws/things/mx2/shadow/name/smtp/get/+',
    `${own}/+/+`,
    `${own}/smtp/update/documents`,
    '+/things/mx1/shadow/name/smtp/get/accepted',
    'scanners/#',
    'scanners/+/artifacts/accepted',
    'scanners/mx1/#',
    'scanners/mx1/artifacts/#',
    'scanners/mx1/+/accepted',
    'scanners/mx2/artifacts/accepted',
    'scanners/mx11/artifacts/accepted',
    '$aws/events/presence/connected/#',
    '$SYS/#',
  ])('refuses the filter %s', (filter) => {
    expect(subscribes(filter)).toBe(false);
  });

  it('lets a + stand for levels of its own topics alone, where nothing of another Scanner can come', () => {
    for (const filter of [`${own}/+/get/accepted`, `${own}/smtp/+/rejected`]) {
      expect(subscribes(filter)).toBe(true);
      expect(subscribes(filter.replace('mx1', 'mx2'))).toBe(false);
    }
    for (const topic of ['$aws/things/mx2/shadow/name/smtp/get/accepted', 'scanners/mx2/artifacts/accepted'])
      expect(may('iot:Receive', arn(`topic/${topic}`))).toBe(false);
  });
});
