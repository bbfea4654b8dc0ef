import { createHash, randomUUID } from 'node:crypto';
import type { Lambda } from './lambda.ts';
import type { EventSourceModel, QueueModel } from './model.ts';
import { type Pump, startPump } from './pump.ts';
import type { State } from './state.ts';

export interface Queues {
  /** Adds a message; inside the caller's transaction, where there is one. */
  send(queueArn: string, body: unknown): void;
  /** Begins to deliver to functions. */
  deliver(sources: EventSourceModel[], lambda: Lambda): void;
  stop(): Promise<void>;
}

interface Row {
  id: number;
  message_id: string;
  body: string;
  sent_at: number;
  receives: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS queue_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS queue_messages_visible ON queue_messages (queue, visible_at);`;

const recordOf = (row: Row, source: EventSourceModel, region: string) => ({
  messageId: row.message_id,
  receiptHandle: `${row.message_id}#${row.receives}`,
  body: row.body,
  attributes: {
    ApproximateReceiveCount: String(row.receives),
    SentTimestamp: String(row.sent_at),
    SenderId: 'embedded',
    ApproximateFirstReceiveTimestamp: String(row.sent_at),
  },
  messageAttributes: {},
  md5OfBody: createHash('md5').update(row.body).digest('hex'),
  eventSource: 'aws:sqs',
  eventSourceARN: source.sourceArn,
  awsRegion: region,
});

/** Ids of the messages that a function could not handle; all of them where it threw. */
const failuresOf = (result: unknown, source: EventSourceModel): Set<string> => {
  const failures = source.partialResponses
    ? ((result as { batchItemFailures?: { itemIdentifier: string }[] } | null)?.batchItemFailures ?? [])
    : [];
  return new Set(failures.map((failure) => failure.itemIdentifier));
};

/**
 * Queues with visibility, redelivery and redrive, kept in the state. Messages that were being handled when the process ended are
 * visible again at the next start: who handled them is gone.
 */
export const openQueues = (
  state: State,
  models: QueueModel[],
  options: { region: string; onError: (error: unknown) => void; now: () => number },
): Queues => {
  const { db } = state;
  const { now } = options;
  db.exec(schema);
  db.prepare('UPDATE queue_messages SET visible_at = 0').run();
  const byArn = new Map(models.map((model) => [model.arn, model]));
  const pumps = new Map<string, Pump>();

  const add = db.prepare(
    'INSERT INTO queue_messages (queue, message_id, body, sent_at, visible_at) VALUES (?, ?, ?, ?, 0)',
  );
  const move = db.prepare('UPDATE queue_messages SET queue = ?, visible_at = 0, receives = 0 WHERE id = ?');
  const drop = db.prepare('DELETE FROM queue_messages WHERE id = ?');
  const expire = db.prepare('DELETE FROM queue_messages WHERE queue = ? AND sent_at < ?');
  const visible = db.prepare(
    'SELECT id, message_id, body, sent_at, receives FROM queue_messages WHERE queue = ? AND visible_at <= ? ORDER BY id LIMIT ?',
  );
  const take = db.prepare('UPDATE queue_messages SET visible_at = ?, receives = receives + 1 WHERE id = ?');

  const redriven = (queue: QueueModel, row: Row): boolean => {
    if (!queue.redrive || row.receives < queue.redrive.maxReceiveCount) return false;
    move.run(queue.redrive.deadLetterArn, row.id);
    return true;
  };

  const receive = (queue: QueueModel, most: number): Row[] =>
    state.transaction(() => {
      expire.run(queue.arn, now() - queue.retentionSeconds * 1000);
      const rows = (visible.all(queue.arn, now(), most) as unknown as Row[]).filter(
        (row) => !redriven(queue, row),
      );
      for (const row of rows) take.run(now() + queue.visibilityTimeoutSeconds * 1000, row.id);
      return rows.map((row) => ({ ...row, receives: row.receives + 1 }));
    });

  const hand = async (rows: Row[], source: EventSourceModel, lambda: Lambda): Promise<void> => {
    const Records = rows.map((row) => recordOf(row, source, options.region));
    const failed = failuresOf(await lambda.invoke(source.functionArn, { Records }), source);
    for (const row of rows) if (!failed.has(row.message_id)) drop.run(row.id);
  };

  const poll = (source: EventSourceModel, queue: QueueModel, lambda: Lambda): Pump => {
    const running = new Set<Promise<void>>();
    const most = source.maxConcurrency ?? 10;
    const pump = startPump(
      async () => {
        if (running.size >= most) return false;
        const rows = receive(queue, source.batchSize);
        if (rows.length === 0) return false;
        const work = hand(rows, source, lambda).catch(options.onError);
        running.add(work);
        void work.finally(() => {
          running.delete(work);
          pump.wake();
        });
        return true;
      },
      { idleMs: 500, onError: options.onError },
    );
    return {
      wake: pump.wake,
      async stop() {
        await pump.stop();
        await Promise.all(running);
      },
    };
  };

  return {
    send(queueArn, body) {
      if (!byArn.has(queueArn)) throw new TypeError(`There is no queue ${queueArn}.`);
      add.run(queueArn, randomUUID(), typeof body === 'string' ? body : JSON.stringify(body), now());
      setImmediate(() => pumps.get(queueArn)?.wake());
    },
    deliver(sources, lambda) {
      for (const source of sources) {
        const queue = byArn.get(source.sourceArn);
        if (queue) pumps.set(queue.arn, poll(source, queue, lambda));
      }
    },
    async stop() {
      await Promise.all([...pumps.values()].map((pump) => pump.stop()));
    },
  };
};
