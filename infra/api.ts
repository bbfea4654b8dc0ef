import { CfnOutput } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  type CfnStage,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  type HttpStage,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Resource } from '../shared/operations/define.ts';
import { operations } from '../shared/operations/index.ts';
import { acknowledge } from './acknowledge.ts';
import type { DeploymentConfig } from './config.ts';
import { Deployment } from './deployment.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { TokenSource } from './identity.ts';
import { throttleRoutes } from './throttles.ts';

export interface ApiProps {
  /** Who issues the access tokens, and for whom. */
  tokens: TokenSource;
  config: Pick<DeploymentConfig, 'apiRate' | 'apiBurst' | 'domainName' | 'certificateArn'>;
  functions: Record<Resource, ControlPlaneFunction>;
}

/**
 * The HTTP API: every route from the registry of operations, one integration a resource's function, each route with the scope of its
 * operation. Without a scope only what the registry says is open.
 */
export class Api extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const stageLogs = new LogGroup(this, 'AccessLogs', { retention: Deployment.of(this).config.logDays });
    const throttle = { rateLimit: props.config.apiRate, burstLimit: props.config.apiBurst };
    this.api = new HttpApi(this, 'HttpApi', {
      description: 'Control plane of mail Scanners',
      createDefaultStage: false,
      defaultAuthorizer: new HttpJwtAuthorizer('Tokens', props.tokens.issuer, {
        jwtAudience: props.tokens.audience,
      }),
    });
    const stage = this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(stageLogs),
        format: AccessLogFormat.custom(accessLog),
      },
    });
    (stage.node.defaultChild as CfnStage).defaultRouteSettings = {
      throttlingRateLimit: throttle.rateLimit,
      throttlingBurstLimit: throttle.burstLimit,
      detailedMetricsEnabled: true,
    };
    throttleRoutes(stage.node.defaultChild as CfnStage, this.addRoutes(props));
    acknowledge(
      this,
      'AwsSolutions-APIG4',
      'Open by intent: health and the OpenAPI document. A template test holds every other route to its scope.',
    );
    const { domainName, certificateArn } = props.config;
    const host =
      domainName === undefined || certificateArn === undefined
        ? this.api.apiEndpoint
        : this.underName(stage, domainName, certificateArn);
    new CfnOutput(this, 'Url', { value: `${host}/v1`, description: 'Where the API is' }).overrideLogicalId(
      'Url',
    );
  }

  /** A name of the operator's own, whose DNS record is theirs to make: a CNAME or an alias to the output `DomainTarget`. */
  private underName(stage: HttpStage, domainName: string, certificateArn: string): string {
    const domain = new DomainName(this, 'Domain', {
      domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', { api: this.api, domainName: domain, stage });
    new CfnOutput(this, 'DomainTarget', {
      value: domain.regionalDomainName,
      description: `What the DNS record of ${domainName} points to`,
    }).overrideLogicalId('DomainTarget');
    return `https://${domainName}`;
  }

  private addRoutes({ functions }: ApiProps): HttpRoute[] {
    const integrations = new Map<Resource, HttpLambdaIntegration>();
    return operations.flatMap((operation) => {
      const { resource, path, method, scope } = operation;
      const known = integrations.get(resource);
      const integration = known ?? lambdaIntegration(resource, functions[resource]);
      integrations.set(resource, integration);
      return this.api.addRoutes({
        path,
        methods: [HttpMethod[method]],
        integration,
        ...(scope === null ? { authorizer: new HttpNoneAuthorizer() } : { authorizationScopes: [scope] }),
      });
    });
  }
}

/** The API may invoke the function's live version for any route: one permission for a function, since its routes are many and a template's resources are few. */
const lambdaIntegration = (resource: Resource, { target }: ControlPlaneFunction): HttpLambdaIntegration =>
  new HttpLambdaIntegration(resource, target, { scopePermissionToRoute: false });

/** One JSON line a request, with what follows it through the system: never a token, never a body. */
const accessLog = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  client: '$context.authorizer.claims.client_id',
  error: '$context.error.message',
  authorizerError: '$context.authorizer.error',
});
