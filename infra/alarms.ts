import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { CfnEventSourceMapping, type CfnFunction, type IAlias } from 'aws-cdk-lib/aws-lambda';
import { type MetricName, metricsService } from '../shared/metrics.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';

/**
 * An alarm as data. `heading` is its chapter in `docs/runbook.md`, which says what it means, how to look into it and what to do; a test holds
 * alarms and chapters equal, both ways.
 */
export interface AlarmSpec {
  heading: string;
  /** One sentence: what is the case when it rings. */
  means: string;
  metric: IMetric;
  /** It rings at this value or beyond. */
  threshold: number;
  /** How many of the latest periods must be beyond it: all of one unless given. */
  periods?: [beyond: number, of: number];
  /** That beyond means below. */
  below?: true;
}

export type Alarms = Record<string, AlarmSpec>;

/** A heading as a link names it. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

/** Properties of an alarm, besides its actions. What does not happen is not measured, so no data is no reason to ring. */
export const propsOf = (
  { metric, threshold, periods: [beyond, of] = [1, 1], ...spec }: AlarmSpec,
  runbook: string,
) => ({
  alarmDescription: `${spec.means} What to do: ${runbook}#${anchorOf(spec.heading)}`,
  metric,
  threshold,
  evaluationPeriods: of,
  datapointsToAlarm: beyond,
  comparisonOperator: spec.below
    ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
    : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
});

interface Sampling {
  statistic?: string;
  period?: Duration;
}

/** A metric that the functions write: of one code, or of all. */
export const own = (
  namespace: string,
  metricName: MetricName,
  { statistic = Stats.SUM, period = Duration.minutes(5), code }: Sampling & { code?: string } = {},
): Metric => {
  const dimensionsMap = { service: metricsService, ...(code === undefined ? {} : { code }) };
  return new Metric({ namespace, metricName, statistic, period, dimensionsMap });
};

/** A worker that ends itself when its time is nearly up comes close to its time-out by design. */
const shareOfTimeout = (seconds: number): number => (seconds >= 900 ? 0.98 : 0.9);

const reservedOf = ({ fn }: ControlPlaneFunction): number | undefined =>
  (fn.node.defaultChild as CfnFunction).reservedConcurrentExecutions;

const concurrencyAlarm = (fn: ControlPlaneFunction): Alarms => {
  const reserved = reservedOf(fn);
  if (reserved === undefined) return {};
  const metric = fn.fn.metric('ConcurrentExecutions', {
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(1),
  });
  return {
    Concurrency: {
      heading: 'A function is throttled',
      means: 'All of the concurrency that is reserved for the function was in use, ten minutes on end.',
      metric,
      threshold: reserved,
      periods: [10, 10],
    },
  };
};

/** Of what is live of a function: that it fails. A deployment that is under way then is taken back. A worker's single failure is tried again and is no reason. */
export const liveErrors = (live: IAlias): AlarmSpec => ({
  heading: 'A function fails',
  means: 'Invocations of the live versions end in errors.',
  metric: live.metricErrors({ period: Duration.minutes(1), statistic: Stats.SUM }),
  threshold: 2,
  periods: [2, 5],
});

/** Of every function, besides that it fails: that it is not let run, that it nearly takes too long. */
export const functionAlarms = (fn: ControlPlaneFunction): Alarms => {
  const seconds = fn.fn.timeout?.toSeconds() ?? 3;
  return {
    Throttles: {
      heading: 'A function is throttled',
      means: 'Lambda refuses to run more of the function at once.',
      metric: fn.fn.metricThrottles({ period: Duration.minutes(1) }),
      threshold: 1,
      periods: [3, 5],
    },
    Duration: {
      heading: 'A function nearly times out',
      means: `An invocation took nearly the ${seconds} seconds that it may.`,
      metric: fn.fn.metricDuration({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
      threshold: seconds * 1000 * shareOfTimeout(seconds),
      periods: [2, 3],
    },
    ...concurrencyAlarm(fn),
  };
};

const streamMappingOf = (fn: ControlPlaneFunction): CfnEventSourceMapping | undefined =>
  fn.node
    .findAll()
    .filter((child) => child instanceof CfnEventSourceMapping)
    .find(({ startingPosition }) => startingPosition !== undefined);

/** Of every reader of the stream: that it falls behind, and that it gave something up. None for a function that reads none. */
export const streamAlarms = (fn: ControlPlaneFunction): Alarms => {
  const mapping = streamMappingOf(fn);
  if (!mapping) return {};
  return {
    IteratorAge: {
      heading: 'A reader of the stream falls behind',
      means: 'Changes in the table wait more than a minute for this reader.',
      metric: fn.fn.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
      threshold: 60_000,
      periods: [5, 5],
    },
    DeadRecords: {
      heading: 'There are dead records',
      means: 'A batch of changes failed for good and lies in the bucket of dead records.',
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'OnFailureDestinationDeliveredEventCount',
        dimensionsMap: { EventSourceMappingUUID: mapping.ref },
        statistic: Stats.SUM,
        period: Duration.minutes(5),
      }),
      threshold: 1,
    },
  };
};

const queueAlarms = ({ deadLetters, imports }: Storage): Alarms => ({
  DeadLetters: {
    heading: 'There are dead letters',
    means: 'Work was given up after all its tries.',
    metric: deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
    threshold: 1,
  },
  ImportsWait: {
    heading: 'Imports wait',
    means: 'A file has waited a quarter of an hour for the import worker.',
    metric: imports.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM }),
    threshold: 900,
  },
});

const throttleEvents = (tableName: string): IMetric => {
  const of = (metricName: string) =>
    new Metric({
      namespace: 'AWS/DynamoDB',
      metricName,
      dimensionsMap: { TableName: tableName },
      statistic: Stats.SUM,
    });
  return new MathExpression({
    expression: 'FILL(reads, 0) + FILL(writes, 0)',
    usingMetrics: { reads: of('ReadThrottleEvents'), writes: of('WriteThrottleEvents') },
    label: 'Throttled reads and writes',
  });
};

const tableAlarms = ({ table }: Storage): Alarms => ({
  TableThrottles: {
    heading: 'The table throttles',
    means: 'DynamoDB throttles reads or writes of the table.',
    metric: throttleEvents(table.tableName),
    threshold: 10,
    periods: [2, 3],
  },
  TableUserErrors: {
    heading: 'The table refuses requests',
    means: 'Requests to DynamoDB of this account are refused as wrong.',
    metric: table.metricUserErrors({ statistic: Stats.SUM }),
    threshold: 5,
    periods: [2, 3],
  },
});

const apiAlarms = (api: HttpApi, namespace: string): Alarms => ({
  ApiFails: {
    heading: 'The API fails',
    means: 'The API answers with 5xx.',
    metric: api.metricServerError({ statistic: Stats.SUM, period: Duration.minutes(1) }),
    threshold: 5,
    periods: [3, 5],
  },
  ApiSlow: {
    heading: 'The API is slow',
    means: 'One of a hundred requests takes three seconds or longer.',
    metric: api.metricLatency({ statistic: Stats.p(99), period: Duration.minutes(5) }),
    threshold: 3000,
    periods: [3, 3],
  },
  ClientsThrottled: {
    heading: 'Clients are told to come again',
    means: 'The API answers many requests with THROTTLED.',
    metric: own(namespace, 'ApiProblems', { code: 'THROTTLED' }),
    threshold: 50,
    periods: [2, 3],
  },
});

const publishingAlarms = (namespace: string): Alarms => ({
  PublishLag: {
    heading: 'Revisions are published late',
    means: 'One of a hundred revisions takes a minute or longer from its commit to the shadow.',
    metric: own(namespace, 'PublishLag', { statistic: Stats.p(99) }),
    threshold: 60_000,
    periods: [3, 3],
  },
  PublishFailures: {
    heading: 'Publishing fails',
    means: 'Publications to shadows fail and are tried again.',
    metric: own(namespace, 'PublishFailures'),
    threshold: 20,
    periods: [3, 3],
  },
  LookFailures: {
    heading: 'Publishing fails',
    means: 'Looks at Scanners fail and are tried again.',
    metric: own(namespace, 'LookFailures'),
    threshold: 20,
    periods: [3, 3],
  },
  ShadowsThrottled: {
    heading: 'AWS IoT throttles',
    means: 'Requests to the shadow service are throttled although they are paced.',
    metric: own(namespace, 'PublishFailures', { code: 'THROTTLED' }),
    threshold: 10,
    periods: [2, 3],
  },
  ConnectionsThrottled: {
    heading: 'AWS IoT throttles',
    means: 'Connections of Scanners are throttled.',
    metric: new Metric({
      namespace: 'AWS/IoT',
      metricName: 'Connect.Throttle',
      dimensionsMap: { Protocol: 'MQTT' },
      statistic: Stats.SUM,
    }),
    threshold: 10,
    periods: [2, 3],
  },
});

const scannerAlarms = (namespace: string): Alarms => ({
  RevisionLag: {
    heading: 'Revisions are applied late',
    means: 'Half of the revisions take five minutes or longer until their Scanner runs them.',
    metric: own(namespace, 'RevisionLag', { statistic: Stats.p(50) }),
    threshold: 300_000,
    periods: [3, 3],
  },
  RevisionsNotApplied: {
    heading: 'Scanners do not apply revisions',
    means: 'Scanners refuse revisions, or cannot apply them.',
    metric: own(namespace, 'RevisionsNotApplied'),
    threshold: 5,
    periods: [2, 3],
  },
  ArtifactsRefused: {
    heading: 'Scanners ask for what is not theirs',
    means: 'Requests of Scanners for objects are refused.',
    metric: own(namespace, 'ArtifactsRefused'),
    threshold: 20,
    periods: [2, 3],
  },
  RolloutHalted: {
    heading: 'A rollout has halted',
    means: 'A rollout has halted itself: too many of its targets failed, or none of its canary applied.',
    metric: own(namespace, 'RolloutsHalted'),
    threshold: 1,
  },
});

const importAlarms = (namespace: string): Alarms => ({
  ImportsFail: {
    heading: 'Imports fail',
    means: 'Many imports fail, for whatever reason.',
    metric: own(namespace, 'ImportFailures', { period: Duration.minutes(15) }),
    threshold: 10,
  },
  ImportsFailHere: {
    heading: 'Imports fail',
    means: 'An import was given up through a fault of ours.',
    metric: own(namespace, 'ImportFailures', { code: 'INTERNAL' }),
    threshold: 1,
  },
});

const certificateAlarms = (namespace: string): Alarms => ({
  CertificateExpires: {
    heading: 'Certificates expire',
    means: 'A certificate that Scanners use ends within two weeks.',
    metric: own(namespace, 'DaysUntilFirstCertificateExpires', {
      statistic: Stats.MINIMUM,
      period: Duration.days(1),
    }),
    threshold: 14,
    below: true,
  },
  CertificateExpired: {
    heading: 'Certificates expire',
    means: 'A certificate that Scanners use has ended.',
    metric: own(namespace, 'CertificatesExpired', { statistic: Stats.MAXIMUM, period: Duration.days(1) }),
    threshold: 1,
  },
});

/** Of the system as a whole. */
export const systemAlarms = (of: { api: HttpApi; storage: Storage; namespace: string }): Alarms => ({
  ...queueAlarms(of.storage),
  ...tableAlarms(of.storage),
  ...apiAlarms(of.api, of.namespace),
  ...publishingAlarms(of.namespace),
  ...scannerAlarms(of.namespace),
  ...importAlarms(of.namespace),
  ...certificateAlarms(of.namespace),
});
