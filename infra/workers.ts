import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { keys, prefixes, sortKeys, sweptPrefixes } from '../shared/tables.ts';
import { bindCommits, bindObjects, bindShadows, bindTable, bindTopics } from './bind.ts';
import { ControlPlaneFunction } from './functions.ts';
import type { Storage } from './storage.ts';

/** An import of the largest list takes about a minute at this memory; five leave room. */
export const importTimeout = Duration.minutes(5);

const fromStream = (storage: Storage, props: { filters: object[]; batchSize: number }) =>
  new DynamoEventSource(storage.table, {
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: props.batchSize,
    parallelizationFactor: 10,
    retryAttempts: 5,
    maxRecordAge: Duration.hours(6),
    bisectBatchOnError: props.batchSize > 1,
    reportBatchItemFailures: true,
    onFailure: new SqsDlq(storage.deadLetters),
    filters: props.filters.map((filter) => FilterCriteria.filter(filter as Record<string, unknown>)),
  });

const changed = (sk: string[], image: object = {}, names: string[] = ['INSERT', 'MODIFY']) => ({
  eventName: names,
  dynamodb: { Keys: { sk: { S: sk } }, ...image },
});

/** The functions that work on what is written: each is woken by a key, reads the present state and works towards what should be. */
export class Workers extends Construct {
  readonly publish: ControlPlaneFunction;
  readonly report: ControlPlaneFunction;
  readonly presence: ControlPlaneFunction;
  readonly import: ControlPlaneFunction;
  readonly artifacts: ControlPlaneFunction;
  readonly sweep: ControlPlaneFunction;

  constructor(scope: Construct, id: string, storage: Storage) {
    super(scope, id);
    this.publish = this.worker(
      'Publish',
      'publish',
      'Brings shadows to the heads',
      512,
      Duration.seconds(60),
    );
    this.report = this.worker('Report', 'report', 'Stores what Scanners report', 256, Duration.seconds(30));
    this.presence = this.worker(
      'Presence',
      'presence',
      'Stores which Scanners are connected',
      256,
      Duration.seconds(30),
    );
    this.import = this.worker('Import', 'import', 'Takes files into lists', 3008, importTimeout);
    this.artifacts = this.worker(
      'Artifacts',
      'artifacts',
      'Hands Scanners links to their objects',
      512,
      Duration.seconds(30),
    );
    this.sweep = this.worker('Sweep', 'sweep', 'Deletes what nothing names', 3008, Duration.minutes(15));
    for (const asynchronous of [this.report, this.presence, this.artifacts, this.sweep])
      asynchronous.fn.configureAsyncInvoke({
        retryAttempts: 2,
        maxEventAge: Duration.hours(6),
        onFailure: new SqsDestination(storage.deadLetters),
      });
    this.bind(storage);
    this.wirePublish(storage);
    this.wireImport(storage);
    this.wireSweep();
  }

  private worker(id: string, name: string, description: string, memorySize: number, timeout: Duration) {
    return new ControlPlaneFunction(this, id, {
      entry: `functions/workers/${name}.lambda.ts`,
      description,
      memorySize,
      timeout,
    });
  }

  private bind(storage: Storage): void {
    const { table, bucket } = storage;
    bindTable(this.publish, table, ['read', 'write']);
    bindShadows(this.publish, ['Get', 'Update']);
    bindTable(this.report, table, ['read', 'write']);
    bindShadows(this.report, ['Get']);
    bindTable(this.presence, table, ['read', 'write']);
    bindCommits(this.import, storage);
    bindObjects(this.import, bucket, {
      get: [prefixes.drops, prefixes.uploads, prefixes.chunks, prefixes.manifests],
      put: [prefixes.chunks, prefixes.manifests, prefixes.reports],
    });
    bindTable(this.artifacts, table, ['read']);
    bindObjects(this.artifacts, bucket, { get: [prefixes.chunks, prefixes.manifests] });
    bindTable(this.sweep, table, ['read', 'scan', 'write']);
    bindObjects(this.sweep, bucket, {
      get: [prefixes.manifests, prefixes.sweep],
      put: [prefixes.sweep],
      sweep: [...sweptPrefixes, prefixes.sweep],
    });
    bindTopics(this.artifacts, ['scanners/*/artifacts/accepted', 'scanners/*/artifacts/rejected']);
  }

  private wirePublish(storage: Storage): void {
    const filters = [changed([sortKeys.head, sortKeys.scanner])];
    this.publish.fn.addEventSource(fromStream(storage, { batchSize: 100, filters }));
  }

  /** Each hour the sweep goes on where it was, or begins when it has rested long enough. */
  private wireSweep(): void {
    new Rule(this, 'Sweeps', {
      description: 'Goes on with the sweep of what nothing names',
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [new LambdaFunction(this.sweep.fn)],
    });
  }

  /** An object in the bucket begins an import; a confirmation, or the sweep that found it lost, lets one go on by the stream. */
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
    this.import.fn.addEventSource(
      new SqsEventSource(storage.imports, {
        batchSize: 1,
        reportBatchItemFailures: true,
        maxConcurrency: 10,
      }),
    );
    const since = (name: string) => ({
      NewImage: { state: { S: ['uploaded'] }, [name]: { S: [{ exists: true }] } },
    });
    const filters = ['confirmedAt', 'wokenAt'].map((name) => changed([keys.import], since(name), ['MODIFY']));
    this.import.fn.addEventSource(fromStream(storage, { batchSize: 1, filters }));
  }
}
