import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { MetricName } from '../shared/metrics.ts';
import { own } from './alarms.ts';
import type { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';

interface Shown {
  functions: ControlPlaneFunction[];
  api: HttpApi;
  storage: Storage;
  namespace: string;
  alarms: Alarm[];
}

const graph = (title: string, left: IMetric[], right: IMetric[] = []): IWidget =>
  new GraphWidget({ title, left, right, width: 8, height: 6 });

/** Every series that there is of a metric by a dimension: routes and codes come and go without a change here. */
const each = (dimensions: string, metricName: string, statistic: string): MathExpression =>
  new MathExpression({
    expression: `SEARCH('{${dimensions}} MetricName="${metricName}"', '${statistic}', 300)`,
    usingMetrics: {},
    label: '',
    period: Duration.minutes(5),
  });

const apiRow = ({ api, namespace }: Shown): IWidget[] => {
  const byRoute = (name: string, statistic: string) =>
    new MathExpression({
      expression: `SEARCH('{AWS/ApiGateway,ApiId,Method,Resource,Stage} ApiId="${api.apiId}" MetricName="${name}"', '${statistic}', 300)`,
      usingMetrics: {},
      label: '',
      period: Duration.minutes(5),
    });
  return [
    graph(
      'API: requests, and answers of 4xx and 5xx',
      [api.metricCount()],
      [api.metricClientError(), api.metricServerError()],
    ),
    graph('API: latency by route, p99 in ms', [byRoute('Latency', 'p99')]),
    graph('API: 5xx by route', [byRoute('5xx', 'Sum')]),
    graph('API: problems by code', [each(`${namespace},service,code`, 'ApiProblems', 'Sum')]),
  ];
};

const lag = (namespace: string, name: MetricName): IMetric[] =>
  [Stats.p(50), Stats.p(90), Stats.p(99)].map((statistic) => own(namespace, name, { statistic }));

const publishingRow = ({ namespace }: Shown): IWidget[] => [
  graph('From commit to shadow, in ms', lag(namespace, 'PublishLag'), [
    own(namespace, 'PublishLag', { statistic: Stats.SAMPLE_COUNT }),
  ]),
  graph('From commit to applied, in ms', lag(namespace, 'RevisionLag'), [
    own(namespace, 'RevisionLag', { statistic: Stats.SAMPLE_COUNT }),
  ]),
  graph(
    'Looks; what failed and is tried again; what Scanners did not apply',
    [own(namespace, 'Looks')],
    (
      [
        'PublishFailures',
        'LookFailures',
        'RevisionsNotApplied',
        'RolloutsHalted',
        'ArtifactsRefused',
      ] as const
    ).map((name) => own(namespace, name)),
  ),
];

const importRow = ({ namespace, storage }: Shown): IWidget[] => [
  graph(
    'Imports: entries and bytes taken in',
    [own(namespace, 'ImportEntries')],
    [own(namespace, 'ImportBytes')],
  ),
  graph('Imports: seconds of one', [
    own(namespace, 'ImportSeconds', { statistic: Stats.p(50) }),
    own(namespace, 'ImportSeconds', { statistic: Stats.MAXIMUM }),
  ]),
  graph('Imports: failures by code', [each(`${namespace},service,code`, 'ImportFailures', 'Sum')]),
  graph(
    'Queues: imports waiting, dead letters',
    [
      storage.imports.metricApproximateNumberOfMessagesVisible(),
      storage.deadLetters.metricApproximateNumberOfMessagesVisible(),
    ],
    [storage.imports.metricApproximateAgeOfOldestMessage()],
  ),
];

const functionRow = ({ functions }: Shown): IWidget[] => {
  const of = (pick: (fn: ControlPlaneFunction) => Metric) =>
    functions.map((fn) => pick(fn).with({ label: fn.node.id }));
  return [
    graph(
      'Functions: errors',
      of(({ fn }) => fn.metricErrors()),
    ),
    graph(
      'Functions: throttles',
      of(({ fn }) => fn.metricThrottles()),
    ),
    graph(
      'Functions: longest duration, in ms',
      of(({ fn }) => fn.metricDuration({ statistic: Stats.MAXIMUM })),
    ),
    graph(
      'Functions: most at once',
      of(({ fn }) => fn.metric('ConcurrentExecutions', { statistic: Stats.MAXIMUM })),
    ),
  ];
};

const storageRow = ({ functions, storage, namespace }: Shown): IWidget[] => {
  const ofTable = (metricName: string) =>
    new Metric({
      namespace: 'AWS/DynamoDB',
      metricName,
      dimensionsMap: { TableName: storage.table.tableName },
      statistic: Stats.SUM,
    });
  const deadObjects = new Metric({
    namespace: 'AWS/S3',
    metricName: 'NumberOfObjects',
    dimensionsMap: { BucketName: storage.deadRecords.bucketName, StorageType: 'AllStorageTypes' },
    statistic: Stats.AVERAGE,
    period: Duration.days(1),
  });
  return [
    graph('Table: throttled', ['ReadThrottleEvents', 'WriteThrottleEvents'].map(ofTable)),
    graph('Table: units used', ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map(ofTable)),
    graph(
      'Stream: oldest change that waits, in ms',
      functions.map(({ fn, node }) => fn.metric('IteratorAge', { statistic: Stats.MAXIMUM, label: node.id })),
    ),
    graph('Dead records: objects, counted once a day', [deadObjects]),
    graph('Certificates: days until the first ends', [
      own(namespace, 'DaysUntilFirstCertificateExpires', {
        statistic: Stats.MINIMUM,
        period: Duration.days(1),
      }),
    ]),
  ];
};

/** One page: alarms first, then from the API to the Scanner, then what all of it stands on. */
export const dashboardOf = (scope: Construct, shown: Shown): Dashboard =>
  new Dashboard(scope, 'Dashboard', {
    dashboardName: Stack.of(scope).stackName,
    defaultInterval: Duration.hours(6),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: shown.alarms, width: 24, height: 4 })],
      apiRow(shown),
      publishingRow(shown),
      importRow(shown),
      functionRow(shown),
      storageRow(shown),
    ],
  });
