import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { synthesize } from '../../../local/synthesize.ts';
import { readTemplate } from '../../../local/template.ts';
import { operations } from '../../../shared/operations/index.ts';
import { controlPlaneApp } from './app.ts';

interface Resource {
  Type: string;
  Properties: Record<string, never>;
  UpdatePolicy?: { CodeDeployLambdaAliasUpdate?: { DeploymentGroupName: { Ref: string } } };
  DeletionPolicy?: string;
}

interface Whole {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

const templateOf = (settings: Record<string, unknown>) => {
  const { app, stack } = controlPlaneApp(settings);
  return { app, template: Template.fromStack(stack), whole: Template.fromStack(stack).toJSON() as Whole };
};

const standard = templateOf({});
const { whole } = standard;
const of = (type: string, { Resources }: Whole = whole): [string, Resource][] =>
  Object.entries(Resources).filter(([, resource]) => resource.Type === type);

// biome-ignore lint/suspicious/noExplicitAny: properties have the shapes that CloudFormation gives them.
const propertiesOf = (type: string, from?: Whole): any[] =>
  of(type, from).map(([, { Properties }]) => Properties);

describe('the user pool', () => {
  it('lets nobody sign up, is kept with its deletion protection, and would ask a user for a second factor', () => {
    const [[, pool] = []] = of('AWS::Cognito::UserPool');
    expect(pool?.DeletionPolicy).toBe('Retain');
    expect(pool?.Properties).toMatchObject({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      DeletionProtection: 'ACTIVE',
      MfaConfiguration: 'ON',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      Policies: { PasswordPolicy: { MinimumLength: 16, RequireSymbols: true } },
    });
  });

  it('knows exactly the scopes of the operations, by resource server and name', () => {
    const declared = propertiesOf('AWS::Cognito::UserPoolResourceServer').flatMap(({ Identifier, Scopes }) =>
      Scopes.map(({ ScopeName }: { ScopeName: string }) => `${Identifier}/${ScopeName}`),
    );
    const asked = new Set(operations.map(({ scope }) => scope).filter((scope) => scope !== null));
    expect(declared.sort()).toEqual([...asked].sort());
  });

  it('has machine clients alone: client credentials, a secret, tokens of an hour, each with its own scopes', () => {
    const clients = propertiesOf('AWS::Cognito::UserPoolClient');
    for (const client of clients)
      expect(client).toMatchObject({
        AllowedOAuthFlows: ['client_credentials'],
        GenerateSecret: true,
        AccessTokenValidity: 60,
        EnableTokenRevocation: true,
      });
    const granted = clients.map(({ ClientName, AllowedOAuthScopes }) => [
      ClientName,
      JSON.stringify(AllowedOAuthScopes).match(/\/(\w+)/g),
    ]);
    expect(Object.fromEntries(granted)).toEqual({
      operator: ['/read', '/write', '/admin'],
      reader: ['/read'],
    });
  });

  it('is who the gateway trusts, for its clients alone', () => {
    const [{ JwtConfiguration }] = propertiesOf('AWS::ApiGatewayV2::Authorizer');
    const [[poolId = ''] = []] = of('AWS::Cognito::UserPool');
    expect(JwtConfiguration).toEqual({
      Issuer: { 'Fn::GetAtt': [poolId, 'ProviderURL'] },
      Audience: of('AWS::Cognito::UserPoolClient').map(([id]) => ({ Ref: id })),
    });
  });

  it('has a domain of the stack’s name and the account, and says where tokens are to be had, but no secret', () => {
    const [{ Domain }] = propertiesOf('AWS::Cognito::UserPoolDomain');
    expect(Domain).toEqual({ 'Fn::Join': ['-', ['scannercontrolplane', { Ref: 'AWS::AccountId' }]] });
    const outputs = Object.keys(whole.Outputs);
    expect(outputs).toEqual(
      expect.arrayContaining(['Url', 'TokenEndpoint', 'UserPoolId', 'ClientIdOperator', 'ClientIdReader']),
    );
    expect(JSON.stringify(whole)).not.toContain('ClientSecret');
  });

  it('is not there where an issuer elsewhere is trusted', () => {
    const other = templateOf({ issuer: 'https://id.example.com', audience: 'a,b' }).whole;
    expect(Object.values(other.Resources).filter(({ Type }) => Type.includes('Cognito'))).toEqual([]);
    const [{ JwtConfiguration }] = propertiesOf('AWS::ApiGatewayV2::Authorizer', other);
    expect(JwtConfiguration).toEqual({ Issuer: { Ref: 'Issuer' }, Audience: ['a', 'b'] });
    expect(other).toMatchObject({ Parameters: { Issuer: { Default: 'https://id.example.com' } } });
  });

  it('is refused by the embedded stack, which has an issuer of its own', () => {
    const options = { region: 'eu-west-1', accountId: '000000000000', name: 'n', parameters: {} };
    expect(() => readTemplate(synthesize({}), options)).toThrow(/does not know AWS::Cognito/);
  });
});

describe('an environment', () => {
  const changed = templateOf({
    name: 'Second',
    region: 'eu-west-1',
    historyDays: 30,
    logDays: 7,
    shadowRate: 1000,
    apiRate: 50,
    apiBurst: 100,
    alarmEmail: 'on-call@example.com',
    runbook: 'https://wiki.example.com/runbook',
    logLevel: 'WARN',
    logSampling: 0.1,
    domainName: 'api.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:000000000000:certificate/0f-1',
  });

  it('has its values as defaults of the template’s parameters', () => {
    expect(changed.template.toJSON()).toMatchObject({
      Parameters: {
        HistoryDays: { Default: '30' },
        ShadowRate: { Default: '1000' },
        ThingRate: { Default: '20' },
      },
    });
  });

  it('tells its address of alarms, which lead to its runbook, and logs as it says', () => {
    expect(propertiesOf('AWS::SNS::Subscription', changed.whole)).toMatchObject([
      { Protocol: 'email', Endpoint: 'on-call@example.com' },
    ]);
    for (const { AlarmDescription } of propertiesOf('AWS::CloudWatch::Alarm', changed.whole))
      expect(AlarmDescription).toContain('What to do: https://wiki.example.com/runbook#');
    const logging = propertiesOf('AWS::Lambda::Function', changed.whole)
      .map(({ Environment }) => Environment?.Variables)
      .filter((variables) => variables?.LOG_LEVEL !== undefined);
    expect(logging.length).toBeGreaterThan(15);
    for (const variables of logging)
      expect(variables).toMatchObject({ LOG_LEVEL: 'WARN', POWERTOOLS_LOGGER_SAMPLE_RATE: '0.1' });
  });

  it('keeps its logs and throttles its API as it says', () => {
    const days = propertiesOf('AWS::Logs::LogGroup', changed.whole).map(
      ({ RetentionInDays }) => RetentionInDays,
    );
    expect(new Set(days)).toEqual(new Set([7]));
    const [stage] = propertiesOf('AWS::ApiGatewayV2::Stage', changed.whole);
    expect(stage.DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
  });

  it('has its own name before the API, with TLS 1.2 at least, and says where its record points', () => {
    const [{ DomainName, DomainNameConfigurations }] = propertiesOf(
      'AWS::ApiGatewayV2::DomainName',
      changed.whole,
    );
    expect([DomainName, DomainNameConfigurations[0].SecurityPolicy]).toEqual(['api.example.com', 'TLS_1_2']);
    expect(changed.whole.Outputs['Url']?.Value).toBe('https://api.example.com/v1');
    expect(changed.whole.Outputs['DomainTarget']).toBeDefined();
  });

  it('shares no name with another of the same account and region', () => {
    const named = (template: Whole, stackName: string) =>
      Object.values(template.Resources).flatMap(({ Type, Properties }) =>
        Object.entries(Properties)
          .filter(([name]) => /^(?:\w*Name|Domain)$/.test(name) && !own.has(`${Type} ${name}`))
          .filter(([, value]) => !refersToItsOwn(value))
          .map(([name, value]) =>
            `${Type} ${name} ${JSON.stringify(value)}`.replace('AWS::StackName', stackName),
          ),
      );
    const [one, other] = [
      named(whole, 'ScannerControlPlane'),
      named(templateOf({ name: 'Second' }).whole, 'Second'),
    ];
    expect(one.length).toBeGreaterThan(0);
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });
});

/** Names that are no physical names of their account, or only within another resource that has a name of its own. */
const own = new Set([
  'AWS::IAM::Policy PolicyName',
  'AWS::Lambda::Alias Name',
  'AWS::ApiGatewayV2::Api Name',
  'AWS::ApiGatewayV2::Authorizer Name',
  'AWS::ApiGatewayV2::Stage StageName',
  'AWS::Cognito::UserPoolResourceServer Name',
  'AWS::Cognito::UserPoolClient ClientName',
  'AWS::CloudWatch::Alarm MetricName',
  'AWS::CodeDeploy::DeploymentGroup DeploymentConfigName',
]);

const refersToItsOwn = (value: unknown): boolean =>
  /"(?:Ref|Fn::GetAtt)":(?!"AWS::)/.test(JSON.stringify(value));

describe('going live', () => {
  const aliases = of('AWS::Lambda::Alias');
  const functions = of('AWS::Lambda::Function');
  const groups = Object.fromEntries(of('AWS::CodeDeploy::DeploymentGroup'));
  const groupOf = ([, { UpdatePolicy }]: [string, Resource]) =>
    groups[UpdatePolicy?.CodeDeployLambdaAliasUpdate?.DeploymentGroupName.Ref ?? '']?.Properties as
      | Record<string, unknown>
      | undefined;

  it('is by an alias of a version of every function, shifted by a deployment group', () => {
    expect(
      aliases
        .map(([, { Properties }]) => (Properties['FunctionName'] as unknown as { Ref: string }).Ref)
        .sort(),
    ).toEqual(functions.map(([id]) => id).sort());
    expect(of('AWS::Lambda::Version')).toHaveLength(functions.length);
    for (const alias of aliases) expect(groupOf(alias)).toBeDefined();
  });

  it('is a tenth for five minutes first, but for what is invoked too seldom', () => {
    const shifts = aliases.map((alias) => [
      alias[0].replace(/Live\w+$/, ''),
      String(groupOf(alias)?.['DeploymentConfigName']).replace('CodeDeployDefault.Lambda', ''),
    ]);
    const named = (shift: string) =>
      shifts
        .filter(([, one]) => one === shift)
        .map(([id]) => id)
        .sort();
    expect(named('AllAtOnce')).toEqual(['WorkersSweep', 'WorkersWatchCertificates']);
    expect(named('Linear10PercentEvery1Minute')).toEqual([
      'WorkersDecommission',
      'WorkersDerive',
      'WorkersImport',
      'WorkersReconcile',
      'WorkersRenew',
      'WorkersRollout',
    ]);
    expect(named('Canary10Percent5Minutes')).toHaveLength(functions.length - 8);
  });

  it('is taken back when the alias’s invocations fail, or when it cannot be done', () => {
    const alarms = Object.fromEntries(of('AWS::CloudWatch::Alarm'));
    for (const alias of aliases) {
      const group = groupOf(alias);
      expect(group).toMatchObject({
        AlarmConfiguration: { Enabled: true },
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']),
        },
      });
      const [{ Name }] = (group?.['AlarmConfiguration'] as { Alarms: [{ Name: { Ref: string } }] }).Alarms;
      const { FunctionName } = alias[1].Properties;
      expect(alarms[Name.Ref]?.Properties).toMatchObject({
        MetricName: 'Errors',
        Dimensions: expect.arrayContaining([
          { Name: 'Resource', Value: { 'Fn::Join': ['', [FunctionName, ':live']] } },
        ]),
      });
    }
  });

  it('is done by roles that may shift one alias each, and touch no other function', () => {
    const roles = propertiesOf('AWS::IAM::Role').filter(({ Policies }) => Policies);
    expect(roles).toHaveLength(functions.length);
    for (const { Policies, ManagedPolicyArns } of roles) {
      expect(ManagedPolicyArns).toBeUndefined();
      const named = [...JSON.stringify(Policies).matchAll(/"Fn::GetAtt":\["(\w+)"/g)].map(([, id]) => id);
      expect(new Set(named).size).toBe(1);
    }
  });

  it('is what everybody invokes: the API, mappings, rules, topics and the router', () => {
    const ids = new Set(aliases.map(([id]) => id));
    const isAlias = (value: unknown): boolean =>
      [...JSON.stringify(value).matchAll(/"Ref":"(\w+)"/g)].some(([, id]) => ids.has(id ?? ''));
    const invoking = [
      ...propertiesOf('AWS::ApiGatewayV2::Integration').map(({ IntegrationUri }) => IntegrationUri),
      ...propertiesOf('AWS::Lambda::EventSourceMapping').map(({ FunctionName }) => FunctionName),
      ...propertiesOf('AWS::Lambda::EventInvokeConfig').map(({ Qualifier }) => Qualifier),
      ...propertiesOf('AWS::Lambda::Permission').map(({ FunctionName }) => FunctionName),
      ...propertiesOf('AWS::IoT::TopicRule').flatMap(({ TopicRulePayload }) => TopicRulePayload.Actions),
      ...propertiesOf('AWS::Events::Rule')
        .flatMap(({ Targets }) => Targets)
        .filter(
          ({ Arn }) => !JSON.stringify(Arn).includes('Queue') && !JSON.stringify(Arn).includes('Imports'),
        ),
    ];
    expect(invoking.length).toBeGreaterThan(30);
    expect(invoking.filter((value) => !isAlias(value))).toEqual([]);
  });

  const versions = (settings: Record<string, unknown>) =>
    of('AWS::Lambda::Version', templateOf(settings).whole)
      .map(([id]) => id)
      .sort();

  it('takes a new version of what a changed value of a parameter is in, and none of an unchanged configuration', () => {
    const now = versions({});
    expect(versions({})).toEqual(now);
    const ca = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
    for (const value of [{ shadowRate: 400 }, { mqttServerCa: ca }, { logLevel: 'DEBUG' }])
      expect(versions(value).filter((id) => now.includes(id))).toEqual([]);
    expect(versions({ apiRate: 400 })).toEqual(now);
  });

  it('leaves room in the template: 500 resources are the most (CloudFormation quotas)', () => {
    expect(Object.keys(whole.Resources).length).toBeLessThan(420);
  });
});

describe('what a removal would stop at', () => {
  it('is kept: AWS IoT deletes no policy that a certificate has, and no type that a thing has', () => {
    for (const type of ['AWS::IoT::Policy', 'AWS::IoT::ThingType'])
      expect(of(type).map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(['Retain']);
  });
});

describe('a schedule', () => {
  it('that reaches no function ends with the dead letters', () => {
    const targets = propertiesOf('AWS::Events::Rule').flatMap(({ Targets }) => Targets);
    expect(targets).toHaveLength(6);
    for (const { DeadLetterConfig } of targets)
      expect(JSON.stringify(DeadLetterConfig)).toContain('DeadLetters');
  });
});

describe('what nobody acknowledged', () => {
  const settings = {
    domainName: 'api.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:000000000000:certificate/0f-1',
  };

  it.each([
    ['AwsSolutions', AwsSolutionsChecks],
    ['Serverless', ServerlessChecks],
    ['NIST 800-53 R5', NIST80053R5Checks],
  ])('%s finds nothing where there is a user pool and a domain name', (_, Checks) => {
    const { violations } = new Checks().validateScope(controlPlaneApp(settings).app);
    expect(violations.map(({ ruleName, description }) => `${ruleName}: ${description}`)).toEqual([]);
  });

  it('cfn-lint finds nothing, where it is installed', ({ skip }) => {
    const { error } = spawnSync('cfn-lint', ['--version']);
    if (error) skip('cfn-lint is not on the PATH');
    const folder = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
    const file = join(folder, 'template.json');
    writeFileSync(file, JSON.stringify(synthesize(settings)));
    // W3005: the CDK writes a dependency that a reference already makes.
    const args = ['--regions', 'eu-west-1', '--ignore-checks', 'W3005', '--', file];
    const { stdout, stderr, status } = spawnSync('cfn-lint', args, { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  }, 120_000);
});
