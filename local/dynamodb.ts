import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ListTablesCommand,
} from '@aws-sdk/client-dynamodb';
import type { TableModel } from './model.ts';
import type { Credentials } from './sigv4.ts';

export interface DynamoOptions {
  dir: string;
  port: number;
  table: TableModel;
  region: string;
  credentials: Credentials;
}

export interface EmbeddedDynamo {
  url: string;
  close(): Promise<void>;
}

/** Without these, every write reads the whole stream (the engine looks for the highest sequence number). */
const streamIndexes = `
  PRAGMA busy_timeout = 5000;
  CREATE INDEX IF NOT EXISTS embedded_sequence ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
  CREATE INDEX IF NOT EXISTS embedded_shard_sequence
    ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
  CREATE INDEX IF NOT EXISTS embedded_shard_text ON _stream_records (table_name, shard_id, sequence_number);`;

const packaged = (): string | undefined => {
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `@dynoxide/${process.platform}-${process.arch}/package.json`,
    );
    return join(manifest, '..', 'dynoxide');
  } catch {
    return undefined;
  }
};

const onPath = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'dynoxide'))
    .find((file) => existsSync(file));

const engine = (): string => {
  const found = packaged() ?? onPath();
  if (found) return found;
  throw new Error(
    'There is no DynamoDB engine for this platform. Put "dynoxide" on the PATH, or set DYNAMODB_ENDPOINT to a DynamoDB Local or to an account of yours.',
  );
};

/**
 * Runs the engine under a shell that ends it when our end of a pipe closes: however this process dies, no engine is left behind
 * to hold the file and the port.
 */
const watched = `
exec 3<&0
"$@" </dev/null 3<&- &
engine=$!
trap 'kill "$engine" 2>/dev/null' TERM
( cat <&3 >/dev/null; kill "$engine" 2>/dev/null ) &
watch=$!
wait "$engine"
kill "$watch" 2>/dev/null`;

const spawnEngine = (options: DynamoOptions): ChildProcess => {
  const folder = join(options.dir, 'dynamodb');
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(options.dir, 'logs'), { recursive: true });
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(options.port),
    '--db-path',
    join(folder, 'table.sqlite'),
  ];
  const child = spawn('sh', ['-c', watched, 'sh', engine(), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const log = createWriteStream(join(options.dir, 'logs', 'dynamodb.log'), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return child;
};

export const dynamoClient = (url: string, region: string, credentials: Credentials): DynamoDBClient =>
  new DynamoDBClient({ endpoint: url, region, credentials, maxAttempts: 1 });

const untilReady = async (client: DynamoDBClient, child?: ChildProcess): Promise<string[]> => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return (await client.send(new ListTablesCommand({}))).TableNames ?? [];
    } catch (error) {
      if (child?.exitCode !== null && child?.exitCode !== undefined)
        throw new Error(
          `The DynamoDB engine ended at once (exit code ${child.exitCode}); see logs/dynamodb.log.`,
        );
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};

const ensureTable = async (client: DynamoDBClient, table: TableModel, tables: string[]): Promise<void> => {
  if (!tables.includes(table.name))
    await client.send(new CreateTableCommand(table.create as unknown as CreateTableCommandInput));
};

const addStreamIndexes = (dir: string): void => {
  const db = new DatabaseSync(join(dir, 'dynamodb', 'table.sqlite'));
  db.exec(streamIndexes);
  db.close();
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
};

/** The user's own endpoint, where `DYNAMODB_ENDPOINT` names one: the table is made there if it is missing. */
const external = async (url: string, options: DynamoOptions): Promise<EmbeddedDynamo> => {
  const client = dynamoClient(url, options.region, options.credentials);
  await ensureTable(client, options.table, await untilReady(client));
  client.destroy();
  return { url, close: async () => undefined };
};

/** Starts the engine with its file under `dir`, and makes the table if it is not there yet. */
export const startDynamo = async (options: DynamoOptions): Promise<EmbeddedDynamo> => {
  const own = process.env['DYNAMODB_ENDPOINT'];
  if (own) return external(own, options);
  const url = `http://127.0.0.1:${options.port}`;
  const child = spawnEngine(options);
  const client = dynamoClient(url, options.region, options.credentials);
  try {
    await ensureTable(client, options.table, await untilReady(client, child));
    addStreamIndexes(options.dir);
  } catch (error) {
    await ended(child);
    throw error;
  } finally {
    client.destroy();
  }
  return { url, close: () => ended(child) };
};
