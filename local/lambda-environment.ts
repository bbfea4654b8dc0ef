import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { FunctionModel } from './model.ts';

/** What a handler threw, as Lambda answers it, or why the environment ended. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  readonly errorType: string;
  /** Lines of the stack inside the function; absent where the environment and not the handler failed. */
  readonly trace: string[] | undefined;

  constructor(errorType: string, message: string, trace?: string[]) {
    super(message);
    this.errorType = errorType;
    this.trace = trace;
  }

  /** As the answer of an invocation has it. */
  payload(): object {
    const { errorType, message, trace } = this;
    return { errorType, errorMessage: message, ...(trace ? { trace } : {}) };
  }
}

/** An execution environment: one thread with its own variables, one event at a time. */
export interface Environment {
  /** Runs the handler; `onLog` is told the last 4 KB that it wrote, before this resolves or rejects. */
  run(event: unknown, onLog?: (log: string) => void): Promise<unknown>;
  /** False after a time-out or a crash: the environment is not used again. */
  readonly usable: boolean;
  end(): Promise<void>;
}

export interface EnvironmentOptions {
  fn: FunctionModel;
  root: string;
  variables: Record<string, string>;
  log: Writable;
}

interface Reply {
  /** The source is loaded, or has failed to; no reply to an event. */
  loaded?: true;
  result?: string;
  error?: { errorType: string; errorMessage: string; trace?: string[] };
  log?: string;
}

const startWorker = ({ fn, root, variables, log }: EnvironmentOptions): Worker => {
  const worker = new Worker(fn.bundle?.inside ?? new URL('./lambda-worker.ts', import.meta.url), {
    env: {
      ...variables,
      ...fn.environment,
      AWS_LAMBDA_FUNCTION_NAME: fn.id,
      LAMBDA_TASK_ROOT: root,
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      TZ: ':UTC',
    },
    workerData: { entry: fn.bundle?.code ?? resolve(root, fn.entry), name: fn.id, arn: fn.arn },
    stdout: true,
    stderr: true,
  });
  // Not piped: each pipe puts listeners on its target, and all environments of a function write into one log.
  for (const stream of [worker.stdout, worker.stderr])
    stream.on('data', (bytes: Buffer) => log.writableEnded || log.write(bytes));
  return worker;
};

/** Milliseconds in which a source loads without taking anything of an event's time (Lambda developer guide, "Init phase"). */
const initMs = 10_000;

/** Starts an environment. Its first event waits for the source to load, but no longer than it may. */
export const startEnvironment = (options: EnvironmentOptions): Environment => {
  const { fn } = options;
  const worker = startWorker(options);
  let usable = true;
  let settle: ((reply: Reply) => void) | undefined;
  const init = Promise.withResolvers<void>();
  setTimeout(init.resolve, initMs).unref();

  const fail = (errorType: string, errorMessage: string) => {
    usable = false;
    settle?.({ error: { errorType, errorMessage } });
  };
  worker.on('message', (reply: Reply) => (reply.loaded ? init.resolve() : settle?.(reply)));
  worker.on('error', (error) => fail('Runtime.ExitError', error.message));
  worker.on('exit', (code) => fail('Runtime.ExitError', `The environment ended with exit code ${code}.`));

  const replyTo = (event: unknown) =>
    new Promise<Reply>((answer) => {
      const timeout = fn.timeoutSeconds * 1000;
      let timer: NodeJS.Timeout | undefined;
      const mine = (reply: Reply) => {
        clearTimeout(timer);
        settle = undefined;
        answer(reply);
      };
      settle = mine;
      void init.promise.then(() => {
        if (settle !== mine) return;
        timer = setTimeout(() => {
          fail('Sandbox.Timedout', `Task timed out after ${fn.timeoutSeconds} seconds`);
          void worker.terminate();
        }, timeout);
        worker.postMessage({ event, requestId: randomUUID(), deadline: Date.now() + timeout });
      });
    });

  return {
    async run(event, onLog) {
      const reply = await replyTo(event);
      const { error } = reply;
      onLog?.(reply.log ?? `${error?.errorMessage}\n`);
      if (error) throw new FunctionError(error.errorType, error.errorMessage, error.trace);
      return JSON.parse(reply.result ?? 'null') as unknown;
    },
    get usable() {
      return usable;
    },
    async end() {
      usable = false;
      await worker.terminate();
    },
  };
};
