import { Aws, CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPolicy, CfnThingType, CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import { Construct } from 'constructs';
import type { ControlPlaneFunction } from './functions.ts';

/** The thing that a connection speaks for: its client id, and only with that thing's certificate (AWS IoT, thing policy variables). */
// biome-ignore lint/suspicious/noTemplateCurlyInString: AWS IoT puts the name in, not this program.
const own = '${iot:Connection.Thing.ThingName}';

const shadows = ['smtp', 'smtp-advanced', 'inventory'];
const requests = ['get', 'update'];

const shadowTopics = (suffixes: string[]): string[] =>
  shadows.flatMap((shadow) => suffixes.map((suffix) => `$aws/things/${own}/shadow/name/${shadow}/${suffix}`));

/** Whatever is answered or told to this thing. */
const toItself = [`$aws/things/${own}/shadow/name/*`, `scanners/${own}/artifacts/*`];

/**
 * Filters by which a Scanner may ask for that. A policy has room for 2,048 characters (AWS IoT, CreatePolicy), so the topics are not named one by
 * one. In a policy `*` stands for any characters, and `+` and `#` of a filter are characters like others (AWS IoT, Subscribe): as each of these
 * has an end, no filter that ends in `#` is allowed anywhere. What is left is a `+` in place of levels of its own topics, for example
 * `$aws/things/mx1/shadow/name/+/get/accepted`: it matches answers to mx1 and nothing else.
 * AWS's own device SDK asks for `…/get/+` (its request-response client), so that is among them.
 */
const heard = [
  // The first stands for `accepted` and `rejected`, which both end in these letters.
  ...['*ed', '*/update/delta', '*/get/+'].map((end) => `$aws/things/${own}/shadow/name/${end}`),
  `scanners/${own}/artifacts/*ed`,
];

const iotArn = (kind: 'client' | 'topic' | 'topicfilter', name: string): string =>
  `arn:${Aws.PARTITION}:iot:${Aws.REGION}:${Aws.ACCOUNT_ID}:${kind}/${name}`;

const statement = (action: string, kind: 'client' | 'topic' | 'topicfilter', names: string[]) => ({
  Effect: 'Allow',
  Action: action,
  Resource: names.map((name) => iotArn(kind, name)),
});

/**
 * What a Scanner may do: connect as itself, read and report its own shadows, ask for its own artifacts. It may delete nothing
 * and hear nothing of another's.
 */
const scannerPolicy = {
  Version: '2012-10-17',
  Statement: [
    statement('iot:Connect', 'client', [own]),
    statement('iot:Publish', 'topic', [...shadowTopics(requests), `scanners/${own}/artifacts/get`]),
    statement('iot:Subscribe', 'topicfilter', heard),
    statement('iot:Receive', 'topic', toItself),
  ],
};

export interface FleetProps {
  report: ControlPlaneFunction;
  presence: ControlPlaneFunction;
  artifacts: ControlPlaneFunction;
}

/** The IoT side: what a Scanner's thing is, what it may do, and where its messages go. */
export class Fleet extends Construct {
  readonly policy: CfnPolicy;
  readonly thingType: CfnThingType;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.policy = new CfnPolicy(this, 'ScannerPolicy', { policyDocument: scannerPolicy });
    this.thingType = new CfnThingType(this, 'ScannerType', {
      thingTypeProperties: { thingTypeDescription: 'A mail Scanner of the control plane' },
    });
    this.keep();
  }

  /** AWS IoT deletes neither while a certificate has the one or a thing the other, and a removal of the stack would stop at that. */
  private keep(): void {
    for (const resource of [this.policy, this.thingType]) resource.applyRemovalPolicy(RemovalPolicy.RETAIN);
    new CfnOutput(this, 'ScannerPolicyName', { value: this.policy.ref }).overrideLogicalId(
      'ScannerPolicyName',
    );
    new CfnOutput(this, 'ScannerTypeName', { value: this.thingType.ref }).overrideLogicalId(
      'ScannerTypeName',
    );
  }

  /** Topic rules; each selects keys, and names its columns so that a payload cannot speak for another Scanner. */
  addRules({ report, presence, artifacts }: FleetProps): void {
    this.rule(
      'Reports',
      `SELECT topic(3) AS scannerId, topic(6) AS shadow FROM '$aws/things/+/shadow/name/+/update/accepted' WHERE NOT isUndefined(state.reported) AND (topic(6) = 'smtp' OR topic(6) = 'inventory')`,
      report,
    );
    for (const event of ['connected', 'disconnected'])
      this.rule(
        `Presence${event}`,
        `SELECT clientId, eventType, sessionIdentifier, versionNumber, timestamp, principalIdentifier FROM '$aws/events/presence/${event}/+'`,
        presence,
      );
    this.rule(
      'Artifacts',
      `SELECT topic(2) AS scannerId, requestId, revision, root, hashes FROM 'scanners/+/artifacts/get'`,
      artifacts,
    );
  }

  private rule(id: string, sql: string, to: ControlPlaneFunction): void {
    const rule = new CfnTopicRule(this, id, {
      topicRulePayload: {
        sql,
        awsIotSqlVersion: '2016-03-23',
        actions: [{ lambda: { functionArn: to.target.functionArn } }],
      },
    });
    to.target.addPermission(`${id}Rule`, {
      principal: new ServicePrincipal('iot.amazonaws.com'),
      sourceArn: rule.attrArn,
      sourceAccount: Aws.ACCOUNT_ID,
    });
  }
}
