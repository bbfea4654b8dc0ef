import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { leastUnreserved, reservedConcurrency } from '../../../infra/concurrency.ts';
import { throttles } from '../../../infra/throttles.ts';
import { embeddedSettings } from '../../../local/synthesize.ts';
import { routeKey } from '../../../shared/operations/define.ts';
import { operations } from '../../../shared/operations/index.ts';
import { controlPlaneApp } from './app.ts';

const { stack } = controlPlaneApp();
const template = Template.fromStack(stack);

interface Resource {
  Properties: Record<string, never>;
  Metadata?: { Entry?: string };
  DependsOn?: string[];
}
const resources = (type: string) => Object.entries(template.findResources(type)) as [string, Resource][];
const functions = resources('AWS::Lambda::Function');
const reservedOf = (id: string): number | undefined =>
  functions.find(([name]) => name === id)?.[1].Properties['ReservedConcurrentExecutions'];

/** What an account may run at once, unless it is new or has had it raised (Lambda quotas). */
const ofAnAccount = 1000;
/** What a table on demand begins with (DynamoDB developer guide, "On-demand capacity mode"). */
const shards = 4;

/** The function that an alias is of, named whichever way. */
const functionOf = (named: unknown): string =>
  functions.find(([id]) => JSON.stringify(named).includes(`"Ref":"${id}"`))?.[0] ??
  functionOf(
    resources('AWS::Lambda::Alias').find(([id]) => JSON.stringify(named).includes(`"Ref":"${id}"`))?.[1]
      .Properties,
  );

interface Mapping {
  FunctionName: unknown;
  ParallelizationFactor?: number;
  ScalingConfig?: { MaximumConcurrency: number };
}

describe('reserved concurrency', () => {
  it('is each worker’s, as the table says, and no API function’s', () => {
    const workers = functions.filter(([, { Metadata }]) => Metadata?.Entry?.includes('/workers/'));
    expect(workers).toHaveLength(Object.keys(reservedConcurrency).length);
    for (const [id] of workers) expect(reservedOf(id), id).toBeGreaterThan(0);
    for (const [id, { Metadata }] of functions)
      if (Metadata?.Entry?.includes('/api/')) expect(reservedOf(id), id).toBeUndefined();
  });

  it('leaves the API more than half of a standard account, and Lambda what it wants left', () => {
    const all = Object.values(reservedConcurrency).reduce((sum, count) => sum + count, 0);
    expect(ofAnAccount - all).toBeGreaterThan(ofAnAccount / 2);
    expect(ofAnAccount - all).toBeGreaterThan(leastUnreserved);
  });

  it('is enough for all lanes of the stream, and for all messages that the queue may have under way', () => {
    const mappings = resources('AWS::Lambda::EventSourceMapping').map(
      ([, { Properties }]) => Properties as unknown as Mapping,
    );
    expect(mappings).toHaveLength(3);
    for (const { FunctionName, ParallelizationFactor, ScalingConfig } of mappings) {
      const wanted = ScalingConfig?.MaximumConcurrency ?? (ParallelizationFactor ?? 1) * shards;
      expect(reservedOf(functionOf(FunctionName))).toBeGreaterThanOrEqual(wanted);
    }
  });

  it('can be left out, for an account that has nothing to reserve', () => {
    const settings = { ...embeddedSettings, reserveConcurrency: 'false' };
    const small = Template.fromStack(controlPlaneApp(settings).stack);
    for (const { Properties } of Object.values(small.findResources('AWS::Lambda::Function')) as Resource[])
      expect(Properties['ReservedConcurrentExecutions']).toBeUndefined();
  });
});

describe('routes that cost much', () => {
  const [[, stage] = [undefined, undefined]] = resources('AWS::ApiGatewayV2::Stage');
  const settings = (stage?.Properties['RouteSettings'] ?? {}) as Record<
    string,
    { ThrottlingRateLimit: number; ThrottlingBurstLimit: number }
  >;

  it('have limits of their own, below that of the stage', () => {
    const throttled = operations.filter(({ id }) => id in throttles).map(routeKey);
    expect(Object.keys(settings).sort()).toEqual(throttled.sort());
    for (const { ThrottlingRateLimit, ThrottlingBurstLimit } of Object.values(settings)) {
      expect(ThrottlingRateLimit).toBeLessThan(500);
      expect(ThrottlingBurstLimit).toBeLessThan(1000);
    }
    expect(throttled).toContain('GET /v1/scanners/{scannerId}/access-lists/{list}/export');
  });

  it('are there before the stage, which could not name them otherwise', () => {
    const routes = resources('AWS::ApiGatewayV2::Route').map(([id]) => id);
    expect(stage?.DependsOn).toEqual(expect.arrayContaining(routes));
  });
});
