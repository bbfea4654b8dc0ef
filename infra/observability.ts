import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { CfnSubscription, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type Alarms, functionAlarms, propsOf, streamAlarms, systemAlarms } from './alarms.ts';
import { dashboardOf } from './dashboard.ts';
import { Deployment } from './deployment.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';

export interface ObservabilityProps {
  functions: ControlPlaneFunction[];
  api: HttpApi;
  storage: Storage;
}

/** CloudWatch may use what is named, and only for alarms of this account. */
const byAlarms = (scope: Construct, actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions,
    resources,
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  });

/**
 * What a person looks at, and what calls one: a dashboard, and alarms that tell a topic, each with its chapter in the runbook. What the
 * functions log, and under which name they measure, is set here, too.
 */
export class Observability extends Construct {
  readonly topic: Topic;
  readonly alarms: Alarm[] = [];

  constructor(scope: Construct, id: string, { functions, api, storage }: ObservabilityProps) {
    super(scope, id);
    const namespace = Stack.of(this).stackName;
    this.topic = this.alarmTopic(storage.key);
    this.setLogs(functions, namespace);
    for (const fn of functions) {
      this.tell(fn.errors);
      this.addAll(fn, { ...functionAlarms(fn), ...streamAlarms(fn) });
    }
    this.addAll(this, systemAlarms({ api, storage, namespace }));
    dashboardOf(this, { functions, api, storage, namespace, alarms: this.alarms });
    new CfnOutput(this, 'AlarmTopicArn', { value: this.topic.topicArn });
  }

  /** The customer's key encrypts what is said on it: an alarm names what is wrong with the system. */
  private alarmTopic(key: Key): Topic {
    const topic = new Topic(this, 'Alarms', {
      displayName: `Alarms of ${Stack.of(this).stackName}`,
      masterKey: key,
      enforceSSL: true,
    });
    topic.addToResourcePolicy(byAlarms(this, ['sns:Publish'], [topic.topicArn]));
    key.addToResourcePolicy(byAlarms(this, ['kms:Decrypt', 'kms:GenerateDataKey*'], ['*']));
    this.subscribe(topic);
    return topic;
  }

  /** Whoever is named confirms by a link in a message; everybody else subscribes to the topic by themselves. */
  private subscribe(topic: Topic): void {
    const { alarmEmail } = Deployment.of(this).config;
    if (alarmEmail === undefined) return;
    const subscription = new CfnSubscription(this, 'AlarmEmailSubscription', {
      topicArn: topic.topicArn,
      protocol: 'email',
      endpoint: alarmEmail,
    });
    acknowledge(
      subscription,
      'Serverless-SNSRedrivePolicy',
      'It is an address of e-mail: what cannot be delivered there is seen in CloudWatch, where the alarm stays.',
    );
  }

  private setLogs(functions: ControlPlaneFunction[], namespace: string): void {
    const { logLevel, logSampling } = Deployment.of(this).config;
    for (const { fn } of functions) {
      fn.addEnvironment('LOG_LEVEL', logLevel);
      fn.addEnvironment('POWERTOOLS_LOGGER_SAMPLE_RATE', String(logSampling));
      fn.addEnvironment('POWERTOOLS_METRICS_NAMESPACE', namespace);
    }
  }

  private addAll(scope: Construct, specs: Alarms): void {
    for (const [name, spec] of Object.entries(specs))
      this.tell(new Alarm(scope, `${name}Alarm`, propsOf(spec, Deployment.of(this).config.runbook)));
  }

  /** An alarm tells the topic when it begins and when it ends. */
  private tell(alarm: Alarm): void {
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    this.alarms.push(alarm);
  }
}
