import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { FilterCriteria, MetricType, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { makingSeconds } from '../shared/domain/derived.ts';
import { keys, prefixes, sortKeys, sweptPrefixes } from '../shared/tables.ts';
import {
  allowTableKey,
  bindDecommission,
  bindFailures,
  bindHistory,
  bindInvoke,
  bindObjects,
  bindPublishing,
  bindRollouts,
  bindShadows,
  bindTable,
  bindTopics,
  type Paces,
} from './bind.ts';
import type { Shift } from './deployment.ts';
import { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';
import { lists, rows, type TableUses } from './table-uses.ts';

/** An import of the largest list takes about a minute at this memory; five leave room. */
export const importTimeout = Duration.minutes(5);

/**
 * Ten thousand Scanners, eight at a time and a few round trips each, take about two minutes; five leave room. What is not done by then is
 * done by the next try, which skips what is.
 */
const renewTimeout = Duration.minutes(5);

/** Whoever keeps what was last seen of a Scanner: its items, the words of it for lists, and that something of one that is gone has appeared. */
const onStatus: TableUses = {
  get: [rows.scanner],
  batchGet: [rows.scanner],
  put: [rows.scanner],
  update: [rows.scanner],
  delete: [rows.scanner],
};

/**
 * A reader of the table's stream. There are two, the publisher and the router, because no more may read a shard at once (DynamoDB developer
 * guide, "Service, account, and table quotas"): whoever else is to be woken is woken by the router.
 */
const fromStream = (
  storage: Storage,
  to: ControlPlaneFunction,
  props: { filters: object[]; batchSize: number },
) =>
  new DynamoEventSource(storage.table, {
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: props.batchSize,
    parallelizationFactor: 10,
    retryAttempts: 5,
    maxRecordAge: Duration.hours(6),
    bisectBatchOnError: props.batchSize > 1,
    reportBatchItemFailures: true,
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    onFailure: { bind: () => bindFailures(to, storage.deadRecords) },
    filters: props.filters.map((filter) => FilterCriteria.filter(filter as Record<string, unknown>)),
  });

const changed = (sk: string[], image: object = {}, names: string[] = ['INSERT', 'MODIFY']) => ({
  eventName: names,
  dynamodb: { Keys: { sk: { S: sk } }, ...image },
});

/** Workers that are invoked too seldom for a tenth of it to show anything. */
const shifts: Record<string, Shift> = {
  reconcile: 'linear',
  rollout: 'linear',
  import: 'linear',
  derive: 'linear',
  renew: 'linear',
  decommission: 'linear',
  'watch-certificates': 'all-at-once',
  sweep: 'all-at-once',
};

/** The functions that work on what is written: each is woken by a key, reads the present state and works towards what should be. */
export class Workers extends Construct {
  readonly publish = this.worker(
    'Publish',
    'publish',
    'Brings shadows to the heads',
    512,
    // Its turn may be 40 seconds away (`longestWaitMs`), and a batch holds more Scanners than go at a time.
    Duration.minutes(5),
  );
  readonly reconcile = this.worker(
    'Reconcile',
    'reconcile',
    'Looks at Scanners that are due',
    512,
    // It begins no look after 45 seconds; one that has begun may have its turn 40 seconds later (`longestWaitMs`).
    Duration.minutes(3),
  );
  readonly route = this.worker('Route', 'route', 'Wakes other workers', 256, Duration.seconds(60));
  readonly report = this.worker('Report', 'report', 'Stores what Scanners report', 256, Duration.seconds(30));
  readonly presence = this.worker(
    'Presence',
    'presence',
    'Stores which Scanners are connected',
    256,
    Duration.seconds(30),
  );
  readonly import = this.worker('Import', 'import', 'Takes files into lists', 3008, importTimeout);
  readonly artifacts = this.worker(
    'Artifacts',
    'artifacts',
    'Hands Scanners links to their objects',
    512,
    Duration.seconds(30),
  );
  readonly derive = this.worker(
    'Derive',
    'derive',
    'Makes exports and findings of lists',
    3008,
    Duration.seconds(makingSeconds),
  );
  // Nearly all of its time it waits for the table; the memory is for the eight changes under way.
  readonly renew = this.worker('Renew', 'renew', 'Brings Scanners to renewed artifacts', 512, renewTimeout);
  readonly watchCertificates = this.worker(
    'WatchCertificates',
    'watch-certificates',
    'Measures how long certificates are good',
    256,
    Duration.seconds(60),
  );
  readonly sweep = this.worker('Sweep', 'sweep', 'Deletes what nothing names', 3008, Duration.minutes(15));
  readonly decommission = this.worker(
    'Decommission',
    'decommission',
    'Clears away after Scanners',
    256,
    Duration.seconds(60),
  );
  // Eight targets at a time; the memory is for the lists of the source that each is compared with.
  readonly rollout = this.worker('Rollout', 'rollout', 'Brings rollouts on', 1024, Duration.minutes(15));

  constructor(scope: Construct, id: string, storage: Storage, paces: Paces) {
    super(scope, id);
    this.keepFailures(storage);
    this.bind(storage);
    this.bindPublishers(storage, paces);
    this.bindCredentials(storage);
    this.bindRollouts(storage, paces);
    this.wirePublish(storage);
    this.wireRoute(storage);
    this.wireImport(storage);
    this.wireDaily(storage);
    this.wireSweep(storage);
    this.wireReconcile(storage);
    this.wireRollouts(storage);
  }

  /** Every worker. */
  get all(): ControlPlaneFunction[] {
    return this.node.children.filter((child) => child instanceof ControlPlaneFunction);
  }

  private worker(id: string, name: string, description: string, memorySize: number, timeout: Duration) {
    return new ControlPlaneFunction(this, id, {
      entry: `functions/workers/${name}.lambda.ts`,
      description,
      memorySize,
      timeout,
      ...(shifts[name] ? { shift: shifts[name] } : {}),
    });
  }

  /**
   * What is invoked asynchronously is tried three times, and while there is no room for it up to the longest that Lambda keeps it; then it
   * goes to the dead letters.
   */
  private keepFailures({ deadLetters }: Storage): void {
    for (const { target } of [
      this.reconcile,
      this.report,
      this.presence,
      this.import,
      this.artifacts,
      this.derive,
      this.renew,
      this.watchCertificates,
      this.sweep,
      this.decommission,
      this.rollout,
    ])
      target.configureAsyncInvoke({
        retryAttempts: 2,
        maxEventAge: Duration.hours(6),
        onFailure: new SqsDestination(deadLetters),
      });
  }

  private bind(storage: Storage): void {
    const { table, bucket } = storage;
    bindTable(this.report, table, onStatus);
    bindHistory(this.report, storage);
    bindShadows(this.report, ['Get']);
    bindTable(this.presence, table, onStatus);
    bindTable(this.import, table, {
      get: [rows.scanner, rows.import, rows.drop],
      update: [rows.import, rows.drop],
      commit: { put: [rows.scanner, rows.import], update: [rows.scanner], check: [rows.scanner] },
    });
    bindHistory(this.import, storage);
    bindObjects(this.import, bucket, {
      getVersion: [prefixes.drops, prefixes.uploads],
      get: [prefixes.chunks, prefixes.manifests],
      put: [prefixes.chunks, prefixes.manifests],
      upload: [prefixes.reports],
    });
    bindTable(this.artifacts, table, { get: [rows.scanner], batchGet: [rows.scanner] });
    bindObjects(this.artifacts, bucket, {
      get: [prefixes.chunks, prefixes.manifests, prefixes.artifacts, prefixes.secrets],
    });
    bindObjects(this.derive, bucket, {
      get: [prefixes.chunks, prefixes.manifests, prefixes.derived],
      upload: [prefixes.derived],
    });
    bindTable(this.sweep, table, {
      get: [rows.sweep],
      scan: true,
      put: [rows.sweep],
      update: [rows.import],
    });
    bindObjects(this.sweep, bucket, {
      get: [prefixes.manifests, prefixes.sweep],
      put: [prefixes.sweep],
      sweep: [...sweptPrefixes, prefixes.sweep],
    });
    bindTable(this.decommission, table, {
      get: [rows.scanner],
      query: [rows.scanner],
      put: [rows.scanner],
      delete: [rows.scanner],
      commit: { update: [rows.scanner] },
    });
    bindDecommission(this.decommission);
    bindTopics(this.artifacts, ['scanners/*/artifacts/accepted', 'scanners/*/artifacts/rejected']);
  }

  private bindPublishers(storage: Storage, paces: Paces): void {
    bindTable(this.publish, storage.table, { ...onStatus, update: [rows.scanner, rows.pace] });
    bindPublishing(this.publish, paces);
    bindTable(this.reconcile, storage.table, {
      ...onStatus,
      list: [lists.due],
      update: [rows.scanner, rows.pace],
    });
    bindPublishing(this.reconcile, paces);
    bindHistory(this.reconcile, storage);
  }

  private bindCredentials(storage: Storage): void {
    bindTable(this.renew, storage.table, {
      get: [rows.scanner, rows.artifact],
      query: [rows.artifact],
      list: [lists.objects],
      update: [rows.artifact],
      delete: [rows.artifact],
      commit: { put: [rows.scanner], update: [rows.scanner], check: [rows.artifact] },
    });
    bindHistory(this.renew, storage);
    bindObjects(this.renew, storage.bucket, { delete: [prefixes.secrets] });
    bindTable(this.watchCertificates, storage.table, {
      query: [rows.artifact],
      list: [lists.certificates],
    });
  }

  private bindRollouts(storage: Storage, paces: Paces): void {
    bindTable(this.rollout, storage.table, {
      get: [rows.scanner, rows.rollout],
      batchGet: [rows.scanner, rows.artifact, rows.rollout],
      query: [rows.rollout],
      list: [lists.openRollouts, lists.standings],
      update: [rows.rollout, rows.pace],
      commit: {
        put: [rows.scanner, rows.artifact, rows.rollout],
        update: [rows.scanner, rows.artifact],
        delete: [rows.rollout, rows.artifact],
        check: [rows.scanner, rows.artifact, rows.rollout],
      },
    });
    bindHistory(this.rollout, storage);
    bindRollouts(this.rollout, paces);
    bindObjects(this.rollout, storage.bucket, {
      get: [prefixes.chunks, prefixes.manifests],
      put: [prefixes.artifacts],
    });
  }

  /** Once a day: what was left over of renewals, and how long certificates are still good. */
  private wireDaily({ deadLetters: deadLetterQueue }: Storage): void {
    const daily = [this.renew, this.watchCertificates];
    new Rule(this, 'Daily', {
      description: 'What is done once a day',
      schedule: Schedule.rate(Duration.days(1)),
      targets: daily.map(({ target }) => new LambdaFunction(target, { deadLetterQueue })),
    });
  }

  private wirePublish(storage: Storage): void {
    const filters = [changed([sortKeys.head, sortKeys.scanner])];
    this.publish.target.addEventSource(fromStream(storage, this.publish, { batchSize: 50, filters }));
  }

  /**
   * Imports that were confirmed, or found lost by the sweep; artifacts that were renewed or deleted (one that is new has no users and nothing
   * to delete); wishes for something to be made of a list, each an item of its own; Scanners that an
   * operator wants looked at; those that are decommissioned and not cleared away; rollouts whose state changed.
   */
  private wireRoute(storage: Storage): void {
    const since = (name: string) => ({ [name]: { S: [{ exists: true }] } });
    const woken = { NewImage: { state: { S: ['uploaded'] }, ...since('wokenAt') } };
    const decommissioned = {
      NewImage: { ...since('decommissionedAt'), clearedAt: { S: [{ exists: false }] } },
    };
    const filters = [
      changed([keys.import], woken, ['MODIFY']),
      changed([sortKeys.artifact], {}, ['MODIFY', 'REMOVE']),
      changed([keys.derived, keys.rollout]),
      changed([sortKeys.due], { NewImage: since('askedAt') }),
      changed([sortKeys.scanner], decommissioned, ['MODIFY']),
    ];
    allowTableKey(this.route, storage.table);
    bindInvoke(this.route, this.import, 'IMPORT_FUNCTION');
    bindInvoke(this.route, this.renew, 'RENEW_FUNCTION');
    bindInvoke(this.route, this.derive, 'DERIVE_FUNCTION');
    bindInvoke(this.route, this.reconcile, 'RECONCILE_FUNCTION');
    bindInvoke(this.route, this.decommission, 'DECOMMISSION_FUNCTION');
    bindInvoke(this.route, this.rollout, 'ROLLOUT_FUNCTION');
    this.route.target.addEventSource(fromStream(storage, this.route, { batchSize: 100, filters }));
  }

  /** Each minute the Scanners that are due are looked at. */
  private wireReconcile({ deadLetters: deadLetterQueue }: Storage): void {
    new Rule(this, 'Looks', {
      description: 'Looks at the Scanners that are due',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.reconcile.target, { deadLetterQueue })],
    });
  }

  /** Each minute a worker is woken for each rollout on which there is something to do. */
  private wireRollouts({ deadLetters: deadLetterQueue }: Storage): void {
    new Rule(this, 'Rollouts', {
      description: 'Wakes rollouts on which there is something to do',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.rollout.target, { deadLetterQueue })],
    });
  }

  /** Each hour the sweep goes on where it was, or begins when it has rested long enough. */
  private wireSweep({ deadLetters: deadLetterQueue }: Storage): void {
    new Rule(this, 'Sweeps', {
      description: 'Goes on with the sweep of what nothing names',
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [new LambdaFunction(this.sweep.target, { deadLetterQueue })],
    });
  }

  /** An object in the bucket begins an import. */
  private wireImport(storage: Storage): void {
    new Rule(this, 'Uploads', {
      description: 'Files for access lists',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [storage.bucket.bucketName] },
          object: { key: [{ prefix: prefixes.drops }, { prefix: prefixes.uploads }] },
        },
      },
      targets: [new SqsQueue(storage.imports, { deadLetterQueue: storage.deadLetters })],
    });
    this.import.target.addEventSource(
      new SqsEventSource(storage.imports, {
        batchSize: 1,
        reportBatchItemFailures: true,
        maxConcurrency: 10,
      }),
    );
  }
}
