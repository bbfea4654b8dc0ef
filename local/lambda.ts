import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { type Environment, FunctionError, startEnvironment } from './lambda-environment.ts';
import type { FunctionModel } from './model.ts';
import type { Credentials } from './sigv4.ts';

/** Most environments of one function at once, whatever it has reserved: each is a thread of this process. */
const mostEnvironments = 6;
/** Largest event and answer of a synchronous invocation (Lambda quotas). */
const payloadLimit = 6 * 1024 * 1024;

/** What runs functions for those who deliver events. */
export interface Invoker {
  /** Runs a function and answers what it answers. FunctionError for what it throws. `onLog` is told the end of its log before. */
  invoke(functionArn: string, event: unknown, onLog?: (log: string) => void): Promise<unknown>;
}

export interface Lambda extends Invoker {
  /** Milliseconds for which nothing has run; 0 while something does. */
  quietMs(): number;
  /** Is told of each invocation as it begins. */
  onInvocation(listener: () => void): void;
  close(): Promise<void>;
}

export interface LambdaOptions {
  functions: FunctionModel[];
  /** Where the entries are. */
  root: string;
  logDir: string;
  /** Variables that the service itself gives: region, endpoints. */
  variables: Record<string, string>;
  /** Those by which a function signs; absent: it has none. */
  credentialsOf?(fn: FunctionModel): Credentials;
}

interface Pool {
  run(event: unknown, onLog?: (log: string) => void): Promise<unknown>;
  end(): Promise<void>;
}

const credentialVariables = (credentials: Credentials | undefined): Record<string, string> =>
  credentials
    ? {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }
    : {};

/** Environments of one function: an idle one is used again, a new one is started while there may be more. */
const poolOf = (fn: FunctionModel, options: LambdaOptions, log: Writable): Pool => {
  const idle: Environment[] = [];
  const all = new Set<Environment>();
  const waiting: ((environment: Environment) => void)[] = [];
  const most = Math.min(fn.reservedConcurrency ?? mostEnvironments, mostEnvironments);

  const variables = { ...options.variables, ...credentialVariables(options.credentialsOf?.(fn)) };

  const start = (): Environment => {
    const environment = startEnvironment({ fn, root: options.root, variables, log });
    all.add(environment);
    return environment;
  };

  const acquire = async (): Promise<Environment> => {
    const ready = idle.pop();
    if (ready) return ready;
    return all.size < most ? start() : new Promise((resolve) => waiting.push(resolve));
  };

  const release = (environment: Environment): void => {
    if (!environment.usable) all.delete(environment);
    const next = waiting.shift();
    if (next) next(environment.usable ? environment : start());
    else if (environment.usable) idle.push(environment);
  };

  return {
    async run(event, onLog) {
      const environment = await acquire();
      try {
        return await environment.run(event, onLog);
      } finally {
        release(environment);
      }
    },
    async end() {
      await Promise.all([...all].map((environment) => environment.end()));
    },
  };
};

const assertFits = (payload: unknown, what: string, errorType: string): void => {
  const bytes = Buffer.byteLength(JSON.stringify(payload) ?? '');
  if (bytes > payloadLimit)
    throw new FunctionError(errorType, `${what} has ${bytes} bytes; Lambda takes ${payloadLimit}.`);
};

/** What runs at the moment, and since when nothing does. */
const activity = () => {
  const listeners: (() => void)[] = [];
  let running = 0;
  let endedAt = performance.now();
  return {
    async during<T>(work: () => Promise<T>): Promise<T> {
      running += 1;
      for (const listener of listeners) listener();
      try {
        return await work();
      } finally {
        running -= 1;
        endedAt = performance.now();
      }
    },
    quietMs: (): number => (running > 0 ? 0 : performance.now() - endedAt),
    onBegin: (listener: () => void): void => {
      listeners.push(listener);
    },
  };
};

/** Functions of the stack, run from their sources, each in threads with variables of their own. */
export const startLambda = (options: LambdaOptions): Lambda => {
  mkdirSync(options.logDir, { recursive: true });
  const logs: Writable[] = [];
  const pools = new Map(
    options.functions.map((fn) => {
      const log = createWriteStream(join(options.logDir, `${fn.id}.log`), { flags: 'a' });
      logs.push(log);
      return [fn.arn, poolOf(fn, options, log)];
    }),
  );
  const running = activity();
  return {
    async invoke(functionArn, event, onLog) {
      const pool = pools.get(functionArn);
      if (!pool) throw new TypeError(`There is no function ${functionArn}.`);
      assertFits(event, 'The event', 'RequestEntityTooLarge');
      const result = await running.during(() => pool.run(event, onLog));
      assertFits(result, 'The answer', 'Function.ResponseSizeTooLarge');
      return result;
    },
    quietMs: running.quietMs,
    onInvocation: running.onBegin,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.all(logs.map((log) => new Promise<void>((resolve) => log.end(resolve))));
    },
  };
};
