import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { QueueModel } from './model.ts';
import type { State } from './state.ts';

/** An attribute of a message; `value` of a binary one is base64. */
export interface MessageAttribute {
  type: string;
  value: string;
}
export type MessageAttributes = Record<string, MessageAttribute>;

/** A message as it was received. */
export interface QueueMessage {
  messageId: string;
  /** By which whoever received it last deletes it or changes how long it is hidden. */
  receipt: string;
  body: string;
  attributes: MessageAttributes;
  /** Milliseconds. */
  sentAt: number;
  firstReceivedAt: number;
  /** How often it was received, this time included. */
  receives: number;
  /** ARN of the queue that gave it up; absent in a queue to which it was sent. */
  source?: string;
}

export interface MessageCounts {
  visible: number;
  /** Received, and neither deleted nor visible again. */
  inFlight: number;
  delayed: number;
}

export interface QueueMessages {
  /** Adds a message and answers its id; inside the caller's transaction, where there is one. */
  add(queue: QueueModel, body: string, more?: { attributes?: MessageAttributes; delayMs?: number }): string;
  /** Up to `most` messages, hidden from others for that long. What was received too often goes to the dead letters instead. */
  receive(queue: QueueModel, most: number, hiddenMs?: number): QueueMessage[];
  /** Removes the message that was received under this receipt last; another receipt removes nothing. False when it is no receipt at all. */
  remove(queue: QueueModel, receipt: string): boolean;
  /** Hides it for so long from now on. */
  hide(queue: QueueModel, receipt: string, hiddenMs: number): 'hidden' | 'not in flight' | 'no receipt';
  count(queue: QueueModel): MessageCounts;
  purge(queue: QueueModel): void;
}

interface Row {
  id: number;
  message_id: string;
  body: string;
  attributes: string;
  sent_at: number;
  first_received_at: number | null;
  receives: number;
  source: string | null;
}

const schema = `
  CREATE TABLE IF NOT EXISTS queue_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS queue_messages_visible ON queue_messages (queue, visible_at);`;

/** Columns that came later: a folder from before has the table without them. */
const laterColumns = {
  attributes: "TEXT NOT NULL DEFAULT '{}'",
  first_received_at: 'INTEGER',
  source: 'TEXT',
};

const prepareTable = (db: DatabaseSync): void => {
  db.exec(schema);
  const known = db.prepare('SELECT name FROM pragma_table_info(?)').all('queue_messages');
  const names = new Set(known.map(({ name }) => name));
  for (const [name, definition] of Object.entries(laterColumns))
    if (!names.has(name)) db.exec(`ALTER TABLE queue_messages ADD COLUMN ${name} ${definition}`);
};

const receiptOf = ({ message_id, receives }: Row): string =>
  Buffer.from(`${message_id} ${receives}`).toString('base64url');

const readReceipt = (receipt: string): { messageId: string; receives: number } | undefined => {
  const [, messageId = '', receives = ''] =
    /^([0-9a-f-]{36}) (\d{1,9})$/.exec(Buffer.from(receipt, 'base64url').toString()) ?? [];
  return messageId === '' ? undefined : { messageId, receives: Number(receives) };
};

const messageOf = (row: Row, now: number): QueueMessage => ({
  messageId: row.message_id,
  receipt: receiptOf(row),
  body: row.body,
  attributes: JSON.parse(row.attributes) as MessageAttributes,
  sentAt: row.sent_at,
  firstReceivedAt: row.first_received_at ?? now,
  receives: row.receives,
  ...(row.source === null ? {} : { source: row.source }),
});

/**
 * Messages of all queues, kept in the state. Those that were being handled when the process ended are visible again at the next start: who
 * handled them is gone.
 */
export const openQueueMessages = (state: State, now: () => number): QueueMessages => {
  const { db } = state;
  prepareTable(db);
  db.prepare('UPDATE queue_messages SET visible_at = 0 WHERE receives > 0').run();

  const insert = db.prepare(
    'INSERT INTO queue_messages (queue, message_id, body, attributes, sent_at, visible_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const move = db.prepare(
    'UPDATE queue_messages SET source = queue, queue = ?, visible_at = 0, receives = 0, first_received_at = NULL WHERE id = ?',
  );
  const drop = db.prepare('DELETE FROM queue_messages WHERE queue = ? AND message_id = ? AND receives = ?');
  const expire = db.prepare('DELETE FROM queue_messages WHERE queue = ? AND sent_at < ?');
  const visible = db.prepare(
    'SELECT * FROM queue_messages WHERE queue = ? AND visible_at <= ? ORDER BY id LIMIT ?',
  );
  const take = db.prepare(
    'UPDATE queue_messages SET visible_at = ?, receives = receives + 1, first_received_at = coalesce(first_received_at, ?) WHERE id = ? RETURNING *',
  );
  const conceal = db.prepare(
    'UPDATE queue_messages SET visible_at = ? WHERE queue = ? AND message_id = ? AND receives = ? AND visible_at > ?',
  );
  const counts = db.prepare(
    `SELECT count(*) FILTER (WHERE visible_at <= ?1) AS visible, count(*) FILTER (WHERE visible_at > ?1 AND receives > 0) AS inFlight,
      count(*) FILTER (WHERE visible_at > ?1 AND receives = 0) AS delayed FROM queue_messages WHERE queue = ?2`,
  );
  const clear = db.prepare('DELETE FROM queue_messages WHERE queue = ?');

  const forgetOld = (queue: QueueModel) => expire.run(queue.arn, now() - queue.retentionSeconds * 1000);

  /** True when the message went to the dead letters instead. */
  const gaveUp = ({ redrive }: QueueModel, row: Row): boolean => {
    if (!redrive || row.receives < redrive.maxReceiveCount) return false;
    move.run(redrive.deadLetterArn, row.id);
    return true;
  };

  return {
    add(queue, body, { attributes = {}, delayMs = 0 } = {}) {
      const messageId = randomUUID();
      const visibleAt = delayMs > 0 ? now() + delayMs : 0;
      insert.run(queue.arn, messageId, body, JSON.stringify(attributes), now(), visibleAt);
      return messageId;
    },
    receive: (queue, most, hiddenMs = queue.visibilityTimeoutSeconds * 1000) =>
      state.transaction(() => {
        forgetOld(queue);
        const rows = (visible.all(queue.arn, now(), most) as unknown as Row[]).filter(
          (row) => !gaveUp(queue, row),
        );
        const taken = rows.map(({ id }) => take.get(now() + hiddenMs, now(), id) as unknown as Row);
        return taken.map((row) => messageOf(row, now()));
      }),
    remove(queue, receipt) {
      const read = readReceipt(receipt);
      if (read) drop.run(queue.arn, read.messageId, read.receives);
      return read !== undefined;
    },
    hide(queue, receipt, hiddenMs) {
      const read = readReceipt(receipt);
      if (!read) return 'no receipt';
      const { changes } = conceal.run(now() + hiddenMs, queue.arn, read.messageId, read.receives, now());
      return changes === 0 ? 'not in flight' : 'hidden';
    },
    count(queue) {
      forgetOld(queue);
      return counts.get(now(), queue.arn) as unknown as MessageCounts;
    },
    purge: (queue) => {
      clear.run(queue.arn);
    },
  };
};
