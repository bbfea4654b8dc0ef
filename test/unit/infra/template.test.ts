import { existsSync, readdirSync } from 'node:fs';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { controlPlaneApp, synthesize } from '../../../local/synthesize.ts';
import { readTemplate } from '../../../local/template.ts';
import { mostAttempts } from '../../../shared/domain/import-job.ts';
import { type Operation, routeKey } from '../../../shared/operations/define.ts';
import { operations } from '../../../shared/operations/index.ts';

const { stack } = controlPlaneApp();
const template = Template.fromStack(stack);
const options = {
  region: 'eu-west-1',
  accountId: '000000000000',
  parameters: { Issuer: 'https://i', Audience: 'a' },
  name: 'n',
};
const model = readTemplate(template.toJSON() as never, options);
const registry: readonly Operation[] = operations;

const propertiesOf = (type: string) =>
  Object.values(template.findResources(type)).map(
    (resource) => (resource as { Properties: Record<string, never> }).Properties,
  );

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

    expect(functions).toHaveLength(12);
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
    for (const name of ['report', 'presence', 'artifacts', 'sweep']) {
      const fn = model.functions.find((candidate) => candidate.entry.endsWith(`${name}.lambda.ts`));
      expect(fn).toMatchObject({
        asyncRetries: 2,
        onFailureQueueArn: expect.stringContaining('DeadLetters'),
      });
    }
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
      batchSize: 100,
      filters: [{ eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { sk: { S: ['head', 'scanner'] } } } }],
      maxRetries: 5,
      bisect: true,
      partialResponses: true,
      onFailureQueueArn: expect.stringContaining('DeadLetters'),
    });
  });

  it('of imports are the queue, and in the stream what was confirmed, or lost and woken', () => {
    expect(source('import.lambda.ts', 'sqs')).toMatchObject({
      batchSize: 1,
      partialResponses: true,
      maxConcurrency: 10,
    });
    expect(source('import.lambda.ts', 'dynamodb')).toMatchObject({
      filters: ['confirmedAt', 'wokenAt'].map((name) => ({
        eventName: ['MODIFY'],
        dynamodb: {
          Keys: { sk: { S: ['import'] } },
          NewImage: { state: { S: ['uploaded'] }, [name]: { S: [{ exists: true }] } },
        },
      })),
      onFailureQueueArn: expect.stringContaining('DeadLetters'),
    });
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

describe('the sweep', () => {
  it('is woken each hour, and may list and delete versions of what it sweeps, and nothing else', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      Targets: [
        Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^WorkersSweep'), 'Arn'] } }),
      ],
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
        SSESpecification: { SSEEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  it('keeps the bucket: versions, encryption, no public access, TLS only, events, and no chunk ever expires', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: Match.anyValue(),
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
      'imports/',
      'reports/',
      'uploads/',
    ]);
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
    for (const resource of resources('iot:Receive')) expect(resource).not.toMatch(/[+#*]/);
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
    const strange = { ...synthesize(), Resources: { Odd: { Type: 'AWS::SNS::Topic' } } };

    expect(() => readTemplate(strange, options)).toThrow(/Odd.*AWS::SNS::Topic/);
  });

  it('refuses an intrinsic function that it does not know', () => {
    const base = synthesize();
    const Resources = {
      ...base.Resources,
      Odd: { Type: 'AWS::SQS::Queue', Properties: { RedrivePolicy: { 'Fn::Select': [0, []] } } },
    };

    expect(() => readTemplate({ ...base, Resources } as never, options)).toThrow(/Fn::Select/);
  });

  it('gives parameters their values and their defaults', () => {
    const scanners = model.functions.find((fn) => fn.entry.endsWith('scanners.lambda.ts'));

    expect(model.api).toMatchObject({ issuer: 'https://i', audience: ['a'] });
    expect(scanners?.environment['MQTT_SERVER_CA']).toBe('');
    expect(existsSync(scanners?.entry ?? '')).toBe(true);
  });
});
