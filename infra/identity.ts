import { Aws, CfnOutput, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  FeaturePlan,
  Mfa,
  OAuthScope,
  ResourceServerScope,
  UserPool,
  UserPoolClient,
  type UserPoolResourceServer,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { type Scope, scopes } from '../shared/operations/define.ts';
import { acknowledge } from './acknowledge.ts';
import type { IdentityConfig } from './config.ts';

/** What the gateway asks of a token: by whom it is, and for whom. */
export interface TokenSource {
  issuer: string;
  /** What `aud` may be or, in a token that has none, `client_id` (API Gateway, "JWT authorizers for HTTP APIs"). */
  audience: string[];
}

/** What a scope lets its holder do, for whoever looks at the user pool. */
const descriptions: Record<Scope, string> = {
  'scanners/read': 'Read Scanners, their settings, lists and history',
  'scanners/write': 'Register, change and decommission Scanners',
  'fleet/admin': 'Manage what belongs to the whole fleet: certificates, directory sources, rollouts',
};

const split = (scope: Scope): [server: string, name: string] => scope.split('/') as [string, string];

/** A user pool without users: nobody signs up or in. Should anybody ever be added, it takes a long password and a second factor. */
const emptyPool = (scope: Construct): UserPool => {
  const pool = new UserPool(scope, 'Pool', {
    selfSignUpEnabled: false,
    featurePlan: FeaturePlan.ESSENTIALS,
    mfa: Mfa.REQUIRED,
    mfaSecondFactor: { sms: false, otp: true },
    passwordPolicy: {
      minLength: 16,
      requireDigits: true,
      requireLowercase: true,
      requireSymbols: true,
      requireUppercase: true,
      tempPasswordValidity: Duration.days(1),
    },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const machinesAlone =
    'The pool has no users, whose sign-ins are what this watches: only machine clients with secrets of their own get tokens.';
  acknowledge(pool, 'AwsSolutions-COG3', machinesAlone);
  acknowledge(pool, 'AwsSolutions-COG8', machinesAlone);
  return pool;
};

/**
 * Machine clients of a user pool of the stack's own. A token of Cognito's for client credentials has no `aud`: the gateway holds its
 * `client_id` to be one of the clients that the configuration names. The pool outlives the stack; its clients do not.
 */
export class MachineClients extends Construct implements TokenSource {
  readonly pool: UserPool;
  readonly issuer: string;
  readonly audience: string[];

  constructor(scope: Construct, id: string, config: Extract<IdentityConfig, { kind: 'cognito' }>) {
    super(scope, id);
    this.pool = emptyPool(this);
    this.issuer = this.pool.userPoolProviderUrl;
    const allowed = this.oauthScopes();
    const clients = Object.entries(config.clients).map(([name, granted]) =>
      this.addClient(name, granted.map(allowed)),
    );
    this.audience = clients.map(({ userPoolClientId }) => userPoolClientId);
    this.addDomain(config.domainPrefix);
    new CfnOutput(this, 'UserPoolId', { value: this.pool.userPoolId }).overrideLogicalId('UserPoolId');
  }

  /** One resource server for each word before a slash, with the words behind it as its scopes. */
  private oauthScopes(): (scope: Scope) => OAuthScope {
    const known = new Map<Scope, OAuthScope>();
    for (const identifier of new Set(scopes.map((scope) => split(scope)[0]))) {
      const own = scopes.filter((scope) => split(scope)[0] === identifier);
      const named = own.map((scope) => ({
        scope,
        declared: new ResourceServerScope({
          scopeName: split(scope)[1],
          scopeDescription: descriptions[scope],
        }),
      }));
      const server: UserPoolResourceServer = this.pool.addResourceServer(identifier, {
        identifier,
        scopes: named.map(({ declared }) => declared),
      });
      for (const { scope, declared } of named) known.set(scope, OAuthScope.resourceServer(server, declared));
    }
    return (scope) => known.get(scope) as OAuthScope;
  }

  private addClient(name: string, granted: OAuthScope[]): UserPoolClient {
    const client = new UserPoolClient(this, `Client-${name}`, {
      userPool: this.pool,
      userPoolClientName: name,
      generateSecret: true,
      oAuth: { flows: { clientCredentials: true }, scopes: granted },
      accessTokenValidity: Duration.hours(1),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
    });
    const output = new CfnOutput(this, `ClientId-${name}`, {
      value: client.userPoolClientId,
      description: `Client id of ${name}`,
    });
    output.overrideLogicalId(`ClientId${pascal(name)}`);
    return client;
  }

  /** Where tokens are to be had. The prefix is unique in a region, so unless one is given it is made of the stack's name and account. */
  private addDomain(given: string | undefined): void {
    const { stackName, region } = Stack.of(this);
    const prefix = given ?? Fn.join('-', [stackName.toLowerCase(), Aws.ACCOUNT_ID]);
    this.pool.addDomain('Domain', { cognitoDomain: { domainPrefix: prefix } });
    new CfnOutput(this, 'TokenEndpoint', {
      value: `https://${prefix}.auth.${region}.amazoncognito.com/oauth2/token`,
      description: 'Where access tokens are to be had, by client credentials',
    }).overrideLogicalId('TokenEndpoint');
  }
}

const pascal = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
