import { dirname } from 'node:path';
import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type Alias, Architecture, type CfnFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import {
  type ICommandHooks,
  NodejsFunction,
  OutputFormat,
  SourceMapMode,
} from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';
import { Deployment, type Shift } from './deployment.ts';

const copying = (files: string[]): ICommandHooks => ({
  beforeBundling: () => [],
  beforeInstall: () => [],
  afterBundling: (from, to) =>
    files.flatMap((file) => [`mkdir -p ${to}/${dirname(file)}`, `cp ${from}/${file} ${to}/${file}`]),
});

export interface FunctionProps {
  /** Path of the entry from the root of the checkout. */
  entry: string;
  description: string;
  memorySize: number;
  timeout: Duration;
  /** How a new version takes over from the one before it; absent: as a canary. */
  shift?: Shift;
  /** Files of the checkout that the function reads; they lie at the same path below its task root. */
  files?: string[];
}

/**
 * A function with what all of them share: Node 24 on arm64, one minified ES module with the SDK inside, its own log group and its own
 * role. The template's metadata names the source, for the embedded stack to run. Whoever invokes it, or has it invoked, names `target`.
 */
export class ControlPlaneFunction extends Construct {
  /** The function, for its role and its environment. */
  readonly fn: NodejsFunction;
  /** The alias `live`: the version that is in force or, while a deployment goes on, the one before it and the new one. */
  readonly target: Alias;
  /** Rings when what is live fails; a deployment that is under way is then taken back. */
  readonly errors: Alarm;

  constructor(scope: Construct, id: string, props: FunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: Deployment.of(this).config.logDays,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Role of ${props.entry}`,
    });
    logGroup.grantWrite(role);
    const { files = [], shift = 'canary', ...own } = props;
    this.fn = new NodejsFunction(this, 'Function', {
      ...own,
      role,
      logGroup,
      handler: 'handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      tracing: Tracing.ACTIVE,
      environment: { LOG_LEVEL: 'INFO' },
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        mainFields: ['module', 'main'],
        minify: true,
        sourceMap: true,
        sourceMapMode: SourceMapMode.EXTERNAL,
        sourcesContent: false,
        externalModules: [],
        commandHooks: copying(files),
        banner: "import{createRequire as r}from'node:module';const require=r(import.meta.url);",
      },
    });
    (this.fn.node.defaultChild as CfnFunction).addMetadata('Entry', props.entry);
    const { target, errors } = Deployment.of(this).goLive(this, this.fn, shift);
    this.target = target;
    this.errors = errors;
    acknowledgeWildcards(this, ['*'], 'Tracing: the two X-Ray actions of a function know no resource.');
  }
}
