import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { compilePattern } from './event-pattern.ts';
import type { FailureDestination } from './failure-destination.ts';
import type { Lambda } from './lambda.ts';
import type { EventSourceModel, TableModel } from './model.ts';
import { type Pump, startPump } from './pump.ts';
import type { State } from './state.ts';
import { deliverRecords, type FailureRecord } from './stream-delivery.ts';
import { changesSomething, type LambdaRecord, lambdaRecord } from './stream-records.ts';

export interface StreamOptions {
  state: State;
  client: DynamoDBStreamsClient;
  table: TableModel;
  region: string;
  lambda: Lambda;
  failures: FailureDestination;
  onError(error: unknown): void;
  now(): number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS stream_checkpoints (
    mapping TEXT NOT NULL, stream TEXT NOT NULL, shard TEXT NOT NULL, sequence TEXT NOT NULL,
    PRIMARY KEY (mapping, stream, shard));`;

/** Between looks: while functions run and shortly after, and when nobody but a stranger to the stack can have written. */
const busyMs = 20;
const quietMs = 250;
const settledAfterMs = 1000;

const pageSize = 500;

const streamArnOf = async ({ client, table }: StreamOptions): Promise<string> => {
  const { Streams } = await client.send(new ListStreamsCommand({ TableName: table.name }));
  const arn = Streams?.[0]?.StreamArn;
  if (!arn) throw new Error(`The table ${table.name} has no stream.`);
  return arn;
};

/** Reads one mapping's records, a page at a time, from where it was before. */
const reader = (options: StreamOptions, mapping: string, streamArn: string) => {
  const { client, state } = options;
  const iterators = new Map<string, string>();
  const known = state.db.prepare(
    'SELECT sequence FROM stream_checkpoints WHERE mapping = ? AND stream = ? AND shard = ?',
  );
  const keep = state.db.prepare('INSERT OR REPLACE INTO stream_checkpoints VALUES (?, ?, ?, ?)');

  const iteratorOf = async (ShardId: string): Promise<string> => {
    const held = iterators.get(ShardId);
    if (held) return held;
    const row = known.get(mapping, streamArn, ShardId) as { sequence: string } | undefined;
    const from = row
      ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: row.sequence } as const)
      : ({ ShardIteratorType: 'TRIM_HORIZON' } as const);
    const answer = await client.send(new GetShardIteratorCommand({ StreamArn: streamArn, ShardId, ...from }));
    return answer.ShardIterator ?? '';
  };

  return {
    async shards(): Promise<string[]> {
      const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
      return (StreamDescription?.Shards ?? []).map((shard) => shard.ShardId ?? '');
    },
    async page(shard: string): Promise<LambdaRecord[]> {
      const ShardIterator = await iteratorOf(shard);
      iterators.delete(shard);
      const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit: pageSize }));
      if (answer.NextShardIterator) iterators.set(shard, answer.NextShardIterator);
      const source = { arn: options.table.streamArn, region: options.region };
      return (answer.Records ?? []).map((record) => lambdaRecord(record, source));
    },
    checkpoint(shard: string, last: LambdaRecord): void {
      keep.run(mapping, streamArn, shard, last.dynamodb.SequenceNumber);
    },
    forget(shard: string): void {
      iterators.delete(shard);
    },
  };
};

/** One event source mapping: reads, filters, delivers, and remembers how far it has come once all of a page is done with. */
const startMapping = async (
  options: StreamOptions,
  source: EventSourceModel,
  streamArn: string,
): Promise<Pump> => {
  const { lambda, failures, onError, now } = options;
  const tests = source.filters.map((filter) => compilePattern(filter as Record<string, unknown>));
  const passes = (record: LambdaRecord): boolean =>
    changesSomething(record) && (tests.length === 0 || tests.some((test) => test({ ...record })));
  const reading = reader(options, source.id, streamArn);
  const shards = await reading.shards();
  let stopping = false;

  const delivery = {
    source,
    lambda,
    onError,
    now,
    stopping: () => stopping,
    toFailureDestination: (record: FailureRecord, event: object) => failures.keep(source, record, event),
  };

  const round = async (): Promise<boolean> => {
    let busy = false;
    for (const shard of shards) {
      const records = await reading.page(shard);
      const last = records.at(-1);
      if (!last) continue;
      busy = true;
      await deliverRecords(records.filter(passes), delivery);
      if (stopping) return false;
      reading.checkpoint(shard, last);
    }
    return busy;
  };

  const pump = startPump(round, {
    idleMs: () => (lambda.quietMs() < settledAfterMs ? busyMs : quietMs),
    onError: (error) => {
      for (const shard of shards) reading.forget(shard);
      onError(error);
    },
  });
  lambda.onInvocation(pump.wake);
  return {
    wake: pump.wake,
    async stop() {
      stopping = true;
      await pump.stop();
    },
  };
};

/** Starts every mapping that reads the table's stream. */
export const startStreams = async (options: StreamOptions, sources: EventSourceModel[]): Promise<Pump[]> => {
  options.state.db.exec(schema);
  const streamArn = await streamArnOf(options);
  const own = sources.filter((source) => source.sourceArn === options.table.streamArn);
  return Promise.all(own.map((source) => startMapping(options, source, streamArn)));
};
