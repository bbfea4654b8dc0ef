import { setTimeout } from 'node:timers/promises';
import type { Invoker } from './lambda.ts';
import { FunctionError } from './lambda-environment.ts';
import type { FunctionModel } from './model.ts';
import { startPump } from './pump.ts';
import type { Queues } from './queues.ts';
import type { State } from './state.ts';

export interface AsyncInvocations {
  /** Keeps an event for a function; inside the caller's transaction, where there is one. */
  invokeAsync(functionArn: string, event: unknown): void;
  deliver(lambda: Invoker): void;
  stop(): Promise<void>;
}

interface Row {
  id: number;
  function: string;
  event: string;
  attempts: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS async_invocations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, event TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS async_invocations_due ON async_invocations (due_at);`;

/** Lambda waits one minute and then two between tries; here seconds stand for its minutes. */
const retryDelayMs = (attempts: number) => attempts * 1000;
const concurrent = 16;

/** How long the end of the stack waits for what is running; what takes longer is begun again at the next start. */
const graceMs = 3000;

/** What Lambda sends where an event failed for good (Lambda developer guide, "Capturing records of asynchronous invocations"). */
const failureRecord = (row: Row, error: Error) => ({
  version: '1.0',
  requestContext: {
    functionArn: row.function,
    condition: 'RetriesExhausted',
    approximateInvokeCount: row.attempts + 1,
  },
  requestPayload: JSON.parse(row.event) as unknown,
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  responsePayload:
    error instanceof FunctionError ? error.payload() : { errorType: error.name, errorMessage: error.message },
});

/** Asynchronous invocations, kept until they succeed or have failed as often as the function's configuration allows. */
export const openAsyncInvocations = (
  state: State,
  functions: FunctionModel[],
  queues: Queues,
  options: { onError: (error: unknown) => void; now: () => number },
): AsyncInvocations => {
  const { db } = state;
  const { now } = options;
  db.exec(schema);
  const byArn = new Map(functions.map((fn) => [fn.arn, fn]));
  const running = new Map<number, Promise<void>>();
  const add = db.prepare('INSERT INTO async_invocations (function, event, due_at) VALUES (?, ?, ?)');
  const due = db.prepare(
    'SELECT id, function, event, attempts FROM async_invocations WHERE due_at <= ? ORDER BY id LIMIT ?',
  );
  const drop = db.prepare('DELETE FROM async_invocations WHERE id = ?');
  const retry = db.prepare('UPDATE async_invocations SET attempts = attempts + 1, due_at = ? WHERE id = ?');
  let pump: ReturnType<typeof startPump> | undefined;
  let cut = false;

  const failed = (row: Row, error: Error): void => {
    const fn = byArn.get(row.function);
    if (row.attempts < (fn?.asyncRetries ?? 2)) {
      retry.run(now() + retryDelayMs(row.attempts + 1), row.id);
      return;
    }
    state.transaction(() => {
      if (fn?.onFailureQueueArn) queues.send(fn.onFailureQueueArn, failureRecord(row, error));
      drop.run(row.id);
    });
  };

  const run = async (row: Row, lambda: Invoker): Promise<void> => {
    try {
      await lambda.invoke(row.function, JSON.parse(row.event));
      drop.run(row.id);
    } catch (error) {
      if (cut) return;
      options.onError(error);
      failed(row, error as Error);
    }
  };

  const begin = (row: Row, lambda: Invoker): void => {
    const work = run(row, lambda).finally(() => {
      running.delete(row.id);
      pump?.wake();
    });
    running.set(row.id, work);
  };

  return {
    invokeAsync(functionArn, event) {
      add.run(functionArn, JSON.stringify(event), now());
      setImmediate(() => pump?.wake());
    },
    deliver(lambda) {
      pump = startPump(
        async () => {
          if (running.size >= concurrent) return false;
          const rows = due.all(now(), concurrent * 2) as unknown as Row[];
          const fresh = rows.filter((row) => !running.has(row.id)).slice(0, concurrent - running.size);
          for (const row of fresh) begin(row, lambda);
          return false;
        },
        { idleMs: 250, onError: options.onError },
      );
    },
    async stop() {
      await pump?.stop();
      const timer = new AbortController();
      const grace = setTimeout(graceMs, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([Promise.all(running.values()), grace]);
      timer.abort();
      cut = true;
    },
  };
};
