import { readFileSync } from 'node:fs';
import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { anchorOf, functionAlarms } from '../../../infra/alarms.ts';
import { ControlPlaneFunction } from '../../../infra/functions.ts';
import { metrics } from '../../../shared/metrics.ts';
import { controlPlaneApp, emptyApp } from './app.ts';

const { stack } = controlPlaneApp();
const template = Template.fromStack(stack);

interface AlarmProperties {
  AlarmDescription: string;
  AlarmActions: object[];
  Namespace?: string;
  MetricName?: string;
  Dimensions?: { Name: string; Value: unknown }[];
  Threshold: number;
}
const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(([id, resource]) => ({
  id,
  ...(resource['Properties'] as AlarmProperties),
}));

/** Chapters of the runbook that are of alarms, with the parts that each has. */
const chapters = readFileSync('docs/runbook.md', 'utf8')
  .split(/^# Alarms$/m)[1]
  ?.split(/^# /m)[0]
  ?.split(/^## /m)
  .slice(1)
  .map((text) => ({
    heading: text.split('\n')[0] ?? '',
    parts: [...text.matchAll(/^\*\*([A-Z][a-z ]+)\.\*\* (?=\S)/gm)].map(([, name]) => name),
    text,
  }));

const anchorsOfAlarms = new Set(alarms.map(({ AlarmDescription }) => AlarmDescription.split('#')[1]));

describe('each alarm', () => {
  it('says in a sentence what is the case, and leads to a chapter of the runbook; each chapter is of an alarm', () => {
    for (const { AlarmDescription } of alarms)
      expect(AlarmDescription).toMatch(/^[A-Z].*\. What to do: docs\/runbook\.md#[a-z0-9-]+$/);
    expect([...anchorsOfAlarms].sort()).toEqual(
      (chapters ?? []).map(({ heading }) => anchorOf(heading)).sort(),
    );
  });

  it('has there what it means, how to look into it with commands, and what to do', () => {
    for (const { parts, text, heading } of chapters ?? []) {
      expect(parts, heading).toEqual(['Means', 'Look', 'Do']);
      expect(text, heading).toMatch(/```(?:sh|sql)\n/);
    }
  });

  it('tells the topic when it begins and when it ends', () => {
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    for (const alarm of alarms)
      expect(alarm).toMatchObject({ AlarmActions: [{ Ref: topic }], OKActions: [{ Ref: topic }] });
  });

  it('of what functions measure is of a metric that they do measure, under the name of this deployment', () => {
    const names = alarms.filter(({ Namespace }) => Namespace === 'ScannerControlPlane');
    for (const { MetricName, Dimensions } of names) {
      expect(Object.keys(metrics)).toContain(MetricName);
      expect(Dimensions).toContainEqual({ Name: 'service', Value: 'control-plane' });
    }
    expect(names.length).toBeGreaterThanOrEqual(12);
  });
});

describe('every function', () => {
  const functions = Object.keys(template.findResources('AWS::Lambda::Function'));
  const of = (metricName: string) =>
    alarms
      .filter(({ MetricName, Namespace }) => MetricName === metricName && Namespace === 'AWS/Lambda')
      .map(({ Dimensions }) => (Dimensions?.[0]?.Value as { Ref: string }).Ref);

  it('has an alarm of its errors, its throttles and its time', () => {
    for (const name of ['Errors', 'Throttles', 'Duration'])
      expect(of(name).sort()).toEqual(functions.toSorted());
  });

  it('logs at the level and measures under the name of the deployment', () => {
    for (const id of functions)
      expect(
        template.findResources('AWS::Lambda::Function')[id]?.['Properties'].Environment.Variables,
      ).toMatchObject({
        LOG_LEVEL: 'INFO',
        POWERTOOLS_LOGGER_SAMPLE_RATE: '0',
        POWERTOOLS_METRICS_NAMESPACE: 'ScannerControlPlane',
      });
  });

  it('that reads the stream has an alarm of how far behind it is, and of what it gave up', () => {
    expect(of('IteratorAge')).toHaveLength(2);
    const mappings = alarms.filter(
      ({ MetricName }) => MetricName === 'OnFailureDestinationDeliveredEventCount',
    );
    const watched = mappings.map(({ Dimensions }) => (Dimensions?.[0]?.Value as { Ref: string }).Ref);
    const counted = template.findResources('AWS::Lambda::EventSourceMapping', {
      Properties: { MetricsConfig: { Metrics: ['EventCount'] } },
    });
    expect(watched.sort()).toEqual(Object.keys(counted).sort());
  });

  it('with concurrency of its own has an alarm of its being used up', () => {
    const stage = new Stack(emptyApp(), 'Reserved');
    const fn = new ControlPlaneFunction(stage, 'Fn', {
      entry: 'functions/api/meta.lambda.ts',
      description: '',
      memorySize: 256,
      timeout: Duration.seconds(1),
    });
    expect(Object.keys(functionAlarms(fn))).not.toContain('Concurrency');
    Object.assign(fn.fn.node.defaultChild as object, { reservedConcurrentExecutions: 7 });
    expect(functionAlarms(fn)).toMatchObject({ Concurrency: { threshold: 7 } });
  });
});

describe('the topic', () => {
  it('is encrypted with the customer’s key, takes TLS alone, and alarms of this account', () => {
    const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: { 'Fn::GetAtt': [key, 'Arn'] } });
    const ofAlarms = (action: unknown) =>
      Match.objectLike({
        Action: action,
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ofAlarms('sns:Publish'),
        ]),
      },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: { Statement: Match.arrayWith([ofAlarms(['kms:Decrypt', 'kms:GenerateDataKey*'])]) },
    });
  });

  it('tells an address only where one is given', () => {
    template.resourceCountIs('AWS::SNS::Subscription', 0);
  });
});

describe('the dashboard', () => {
  const body = JSON.stringify(template.findResources('AWS::CloudWatch::Dashboard'));

  it('shows the API, lags, imports, functions, table, stream, queues, dead records and certificates', () => {
    for (const name of [
      'AWS/ApiGateway,ApiId,Method,Resource,Stage',
      'PublishLag',
      'RevisionLag',
      'ImportEntries',
      'Errors',
      'Throttles',
      'Duration',
      'ReadThrottleEvents',
      'IteratorAge',
      'ApproximateNumberOfMessagesVisible',
      'NumberOfObjects',
      'DaysUntilFirstCertificateExpires',
    ])
      expect(body).toContain(name);
  });

  it('shows every metric that functions write', () => {
    const quiet = ['CertificatesExpiring', 'CertificatesExpired'];
    for (const name of Object.keys(metrics)) if (!quiet.includes(name)) expect(body).toContain(name);
  });
});
