import type { CfnRoute, CfnStage, HttpRoute } from 'aws-cdk-lib/aws-apigatewayv2';
import { routeKey } from '../shared/operations/define.ts';
import { operations } from '../shared/operations/index.ts';

type OperationId = (typeof operations)[number]['id'];

/** Requests a second that go on for ever, and how many at once. */
export interface Throttle {
  rate: number;
  burst: number;
}

/**
 * Routes of which one request causes much work, each with its own limit below that of the stage. A limit is of the route, for all clients together
 * (API Gateway developer guide, "Throttle requests to your HTTP APIs"): it keeps the API for the others, not one client from another.
 */
export const throttles: Readonly<Partial<Record<OperationId, Throttle>>> = {
  // Up to 4 MB each from the function, or a worker of 3 GB for a list that is new.
  'export-access-list': { rate: 10, burst: 20 },
  'lint-access-list': { rate: 10, burst: 20 },
  // Reads the chunks in which two lists differ: all of them, at worst.
  'diff-revision': { rate: 10, burst: 20 },
  // A file of up to 512 MB each, for ten workers.
  'create-import': { rate: 10, burst: 50 },
  'get-import-report': { rate: 20, burst: 50 },
  // A revision for every Scanner that it names.
  'create-rollout': { rate: 2, burst: 10 },
  'resume-rollout': { rate: 2, burst: 10 },
  'revert-rollout': { rate: 2, burst: 10 },
  // Reads the standing of each Scanner.
  'get-fleet': { rate: 10, burst: 20 },
  // AWS IoT makes some ten certificates a second; Scanners that enrol come again.
  'create-scanner-certificate': { rate: 20, burst: 100 },
};

/** Settings of routes as a stage takes them, by route key. */
export const routeSettings = (): Record<
  string,
  { ThrottlingRateLimit: number; ThrottlingBurstLimit: number }
> =>
  Object.fromEntries(
    operations.flatMap((operation) => {
      const throttle = throttles[operation.id];
      return throttle === undefined
        ? []
        : [
            [
              routeKey(operation),
              {
                ThrottlingRateLimit: throttle.rate,
                ThrottlingBurstLimit: throttle.burst,
                DetailedMetricsEnabled: true,
              },
            ] as const,
          ];
    }),
  );

/** Gives the stage the limits of its routes. It can know of a route only once that is there, so it is made after them. */
export const throttleRoutes = (stage: CfnStage, routes: readonly HttpRoute[]): void => {
  stage.routeSettings = routeSettings();
  for (const route of routes) stage.addResourceDependency(route.node.defaultChild as CfnRoute);
};
