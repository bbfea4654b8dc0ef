import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLambda } from '../../../local/lambda.ts';
import { startLambdaApi } from '../../../local/lambda-api.ts';
import type { FunctionModel } from '../../../local/model.ts';
import { keys, sortKeys } from '../../../shared/tables.ts';

const region = 'eu-west-1';
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=functions' };
const names = ['Import1', 'Renew1', 'Derive1'];
const root = 'ab'.repeat(32);

let invokeLater: typeof import('../../../functions/stores/functions.ts').invokeLater;
let handler: typeof import('../../../functions/workers/route.lambda.ts').handler;
/** What the service has taken for asynchronous invocation, by function. */
let taken: [string, unknown][] = [];
const ended: (() => void | Promise<void>)[] = [];

const functionNamed = (id: string): FunctionModel => ({
  id,
  arn: `arn:aws:lambda:${region}:000000000000:function:${id}`,
  description: '',
  entry: 'test/stack/functions/probe.ts',
  timeoutSeconds: 2,
  environment: {},
  aliases: [],
  asyncRetries: 2,
});

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'functions-'));
  ended.push(() => rmSync(dir, { recursive: true, force: true }));
  const functions = names.map(functionNamed);
  const lambda = startLambda({ functions, root: process.cwd(), logDir: dir, variables: {} });
  ended.push(() => lambda.close());
  const invokeAsync = (arn: string, event: unknown) => taken.push([arn.split(':').at(-1) ?? '', event]);
  const onError = () => undefined;
  const api = await startLambdaApi({ functions, lambda, invokeAsync, port: 0, region, credentials, onError });
  ended.push(() => api.close());
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_LAMBDA: api.url,
    AWS_MAX_ATTEMPTS: '1',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    IMPORT_FUNCTION: 'Import1',
    RENEW_FUNCTION: 'Renew1',
    DERIVE_FUNCTION: 'Derive1',
  });
  ({ invokeLater } = await import('../../../functions/stores/functions.ts'));
  ({ handler } = await import('../../../functions/workers/route.lambda.ts'));
});
afterAll(async () => {
  for (const end of ended.reverse()) await end();
});
beforeEach(() => {
  taken = [];
  process.env['RENEW_FUNCTION'] = 'Renew1';
});

describe('an event for a function', () => {
  it('is taken as it is, and not waited for', async () => {
    await invokeLater('Import1', { importId: 'ä' });
    expect(taken).toEqual([['Import1', { importId: 'ä' }]]);
  });

  it('for a function that is not there is refused', async () => {
    await expect(invokeLater('Import2', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(taken).toEqual([]);
  });
});

describe('the router', () => {
  let sequence = 0;
  const record = (pk: string, sk: string) => ({
    dynamodb: { SequenceNumber: String(++sequence), Keys: { pk: { S: pk }, sk: { S: sk } } },
  });
  const route = (...records: object[]) => handler({ Records: records } as never);
  const confirmed = () => record(keys.ofImport('imp-1'), keys.import);
  const renewed = () => record(keys.ofArtifact('cert-1'), sortKeys.artifact);
  const wished = () => record(keys.ofDerived(root, 'export-csv'), keys.derived);

  it('wakes the worker of each change with its key and nothing more', async () => {
    expect(await route(confirmed(), renewed(), wished())).toEqual({ batchItemFailures: [] });
    expect(taken).toEqual([
      ['Import1', { importId: 'imp-1' }],
      ['Renew1', { artifact: 'cert-1' }],
      ['Derive1', { root, name: 'export-csv' }],
    ]);
  });

  it('steps over a record whose worker cannot be woken, and answers which it is', async () => {
    process.env['RENEW_FUNCTION'] = 'Renew2';
    const records = [confirmed(), renewed(), wished()];
    const [, left] = records.map(({ dynamodb }) => ({ itemIdentifier: dynamodb.SequenceNumber }));
    expect(await route(...records)).toEqual({ batchItemFailures: [left] });
    expect(taken.map(([name]) => name)).toEqual(['Import1', 'Derive1']);
  });

  it('keeps back a record that no worker is for, to end with the dead letters', async () => {
    const odd = record(keys.ofScanner('mx1'), sortKeys.head);
    expect(await route(odd)).toEqual({
      batchItemFailures: [{ itemIdentifier: odd.dynamodb.SequenceNumber }],
    });
    expect(taken).toEqual([]);
  });
});
