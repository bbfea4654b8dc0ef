import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mintToken } from '../../local/issuer.ts';
import type { Endpoints } from '../../local/stack.ts';
import { nobodyAt } from './nobody-at.ts';
import { until } from './until.ts';

export interface ApiAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** The whole embedded stack as its own process, as `npm start` runs it, so that it can be killed. */
export interface StackProcess {
  readonly dir: string;
  readonly endpoints: Endpoints;
  /** Calls the API with the token of all scopes, unless `headers` say otherwise; a string goes out as it is. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** A token of these scopes only; a negative life for one that has expired. */
  token(scopes: string[], seconds: number): Promise<string>;
  /** True when no message and no asynchronous invocation is waiting. */
  queuesAreEmpty(): boolean;
  /** SIGKILL, and wait until nothing is left of it. */
  kill9(): Promise<void>;
  restart(args?: string[]): Promise<void>;
  /** Ends it and takes its folder away. */
  stop(): Promise<void>;
}

const starts = async (dir: string, args: string[]): Promise<ChildProcess> => {
  const file = join(dir, 'endpoints.json');
  rmSync(file, { force: true });
  const child = spawn(process.execPath, ['local/main.ts', '--data', dir, '--port-base', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until('the stack is ready, or has ended', () => hasEnded() || existsSync(file), {
    seconds: 110,
  }).catch(async (error: unknown) => {
    await end(child, 'SIGKILL');
    throw error;
  });
  if (hasEnded()) throw new Error(`the stack ended: ${output}`);
  return child;
};

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
};

const waiting = `SELECT (SELECT count(*) FROM queue_messages WHERE queue NOT LIKE '%DeadLetters%')
  + (SELECT count(*) FROM async_invocations) AS count`;

/** Arguments of a stack that does not keep history for ever, so that what is superseded is given its time to live. */
export const keepingHistory = ['--parameter', 'HistoryDays=3650'];

export const startStackProcess = async (args: string[] = []): Promise<StackProcess> => {
  const dir = mkdtempSync(join(tmpdir(), 'stack-'));
  let child = await starts(dir, args);
  const read = () => JSON.parse(readFileSync(join(dir, 'endpoints.json'), 'utf8')) as Endpoints;
  let endpoints = read();
  return {
    dir,
    get endpoints() {
      return endpoints;
    },
    async call(method, path, body, headers = {}) {
      const answer = await fetch(`${endpoints.api}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${endpoints.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    token: (scope, expiresInSeconds) => mintToken(dir, { issuer: endpoints.issuer, scope, expiresInSeconds }),
    queuesAreEmpty() {
      const db = new DatabaseSync(join(dir, 'state.sqlite'), { readOnly: true });
      const row = db.prepare(waiting).get() as { count: number };
      db.close();
      return row.count === 0;
    },
    async kill9() {
      await end(child, 'SIGKILL');
      // The engine of the table is a process of its own: it ends when it sees that the stack has, and until then it has the port.
      const { hostname, port } = new URL(endpoints.dynamodb);
      if (!process.env['DYNAMODB_ENDPOINT']) await nobodyAt(Number(port), hostname);
    },
    async restart(more = args) {
      await end(child, 'SIGTERM');
      child = await starts(dir, more);
      endpoints = read();
    },
    async stop() {
      await end(child, 'SIGTERM');
      // What it started may still write there for a moment.
      rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
};
