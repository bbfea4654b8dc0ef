import { CfnOutput } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Resource } from '../shared/operations/define.ts';
import { operations } from '../shared/operations/index.ts';
import { acknowledge } from './acknowledge.ts';
import type { ControlPlaneFunction } from './functions.ts';
import { throttleRoutes } from './throttles.ts';

export interface ApiProps {
  /** Who issues the access tokens, and for whom. */
  issuer: string;
  audience: string;
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
    const stageLogs = new LogGroup(this, 'AccessLogs', { retention: RetentionDays.THREE_MONTHS });
    this.api = new HttpApi(this, 'HttpApi', {
      description: 'Control plane of mail Scanners',
      createDefaultStage: false,
      defaultAuthorizer: new HttpJwtAuthorizer('Tokens', props.issuer, { jwtAudience: [props.audience] }),
    });
    const stage = this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: 500, burstLimit: 1000 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(stageLogs),
        format: AccessLogFormat.custom(accessLog),
      },
    });
    (stage.node.defaultChild as CfnStage).defaultRouteSettings = {
      throttlingRateLimit: 500,
      throttlingBurstLimit: 1000,
      detailedMetricsEnabled: true,
    };
    throttleRoutes(stage.node.defaultChild as CfnStage, this.addRoutes(props));
    acknowledge(
      this,
      'AwsSolutions-APIG4',
      'Open by intent: health and the OpenAPI document. A template test holds every other route to its scope.',
    );
    new CfnOutput(this, 'Url', { value: `${this.api.apiEndpoint}/v1`, description: 'Where the API is' });
  }

  private addRoutes({ functions }: ApiProps): HttpRoute[] {
    const integrations = new Map<Resource, HttpLambdaIntegration>();
    return operations.flatMap((operation) => {
      const { resource, path, method, scope } = operation;
      const known = integrations.get(resource);
      const integration = known ?? new HttpLambdaIntegration(resource, functions[resource].fn);
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
