import { Aws, Stack } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type ILambdaDeploymentConfig,
  LambdaApplication,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
} from 'aws-cdk-lib/aws-codedeploy';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { liveErrors, propsOf } from './alarms.ts';
import { type DeploymentConfig, readConfig } from './config.ts';

/** The alias of the version that is in force. */
export const liveAlias = 'live';

/**
 * How a new version takes over:
 * - `canary`: a tenth of all invocations for five minutes, then all: for what is invoked all the time;
 * - `linear`: another tenth each minute: for what is invoked about once a minute or less, of which a tenth would not be seen within minutes;
 * - `all-at-once`: for what is invoked once an hour or a day, where no share of any minutes says anything.
 */
export type Shift = 'canary' | 'linear' | 'all-at-once';

const shifts: Record<Shift, ILambdaDeploymentConfig> = {
  canary: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
  linear: LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_1MINUTE,
  'all-at-once': LambdaDeploymentConfig.ALL_AT_ONCE,
};

/**
 * May shift the one alias, and ask how alarms are. A role for each function: one for all would name all functions, some of which name
 * the aliases of others, which wait for the role.
 */
const shifter = (scope: Construct, fn: LambdaFunction): Role => {
  const role = new Role(scope, 'ShiftRole', {
    description: `Shifts the traffic of one function to its new version`,
    assumedBy: new ServicePrincipal('codedeploy.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
    inlinePolicies: {
      shift: new PolicyDocument({
        statements: [
          new PolicyStatement({
            actions: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'],
            resources: [fn.functionArn, `${fn.functionArn}:${liveAlias}`],
          }),
          new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }),
        ],
      }),
    },
  });
  acknowledge(
    role,
    'AwsSolutions-IAM5[Resource::*]',
    'To ask for the state of alarms knows no single alarm.',
  );
  return role;
};

/** What all functions of a stack share: the configuration, and how they go live. */
export class Deployment extends Construct {
  /** The one of the stack that `scope` is in. A stack without a configuration, as of a test, has all defaults. */
  static of(scope: Construct): Deployment {
    const known = Stack.of(scope).node.tryFindChild('Deployment');
    return (known as Deployment | undefined) ?? new Deployment(Stack.of(scope), readConfig({}));
  }

  readonly config: DeploymentConfig;

  /** What the template's parameters bring into environments. */
  readonly #parameters: unknown[];
  readonly #application: LambdaApplication;

  constructor(stack: Stack, config: DeploymentConfig) {
    super(stack, 'Deployment');
    this.config = config;
    const { historyDays, shadowRate, thingRate, rolloutRate, reconcileMinutes, mqttServerCa } = config;
    this.#parameters = [historyDays, shadowRate, thingRate, rolloutRate, reconcileMinutes, mqttServerCa];
    this.#application = new LambdaApplication(this, 'Application');
  }

  /**
   * A version of the function as it is at the end of the synthesis, and the alias that comes to mean it. A version holds its environment,
   * and the values there of the template's parameters do not make another version by themselves: so the configuration does.
   */
  goLive(scope: Construct, fn: LambdaFunction, shift: Shift): { target: Alias; errors: Alarm } {
    fn.invalidateVersionBasedOn(JSON.stringify(this.#parameters));
    const target = new Alias(scope, 'Live', { aliasName: liveAlias, version: fn.currentVersion });
    const errors = new Alarm(scope, 'ErrorsAlarm', propsOf(liveErrors(target), this.config.runbook));
    new LambdaDeploymentGroup(scope, 'Shift', {
      application: this.#application,
      role: shifter(scope, fn).withoutPolicyUpdates(),
      alias: target,
      deploymentConfig: shifts[shift],
      alarms: [errors],
      autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
    });
    return { target, errors };
  }
}
