import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogLine, logLines } from '../helpers/logs.ts';
import { type Puppet, startPuppet } from '../helpers/puppet.ts';
import { type ApiAnswer, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { dropAndImport, inboundSettings, sync } from './support.ts';

let stack: StackProcess;
let puppet: Puppet;

beforeAll(async () => {
  stack = await startStackProcess();
  puppet = await startPuppet(stack, 'mx1');
  await puppet.connect();
  // A write that came through although its caller was told to try again would have another id than the try that follows.
  for (const path of ['/scanners/mx1/smtp', '/imports?scannerId=mx1', '/rollouts']) await call('GET', path);
});
afterAll(async () => {
  await puppet?.close();
  await stack?.stop();
});

/** A call, again where a function did not come up in its time: a busy machine is no failure here. */
const call = (...args: Parameters<StackProcess['call']>): Promise<ApiAnswer> =>
  until(`${args[0]} ${args[1]} is answered`, async () => {
    const answer = await stack.call(...args);
    return answer.status < 500 ? answer : undefined;
  });

/** What the logs say of an id, as soon as they say all that is waited for. */
const linesOf = (requestId: string, ...messages: string[]): Promise<LogLine[]> =>
  until(`the logs say ${messages.join(', ')} of ${requestId}`, () => {
    const lines = logLines(stack.dir).filter((line) => line['requestId'] === requestId);
    const said = lines.map(({ message }) => message);
    return messages.every((message) => said.includes(message)) ? lines : undefined;
  });

const inFunction = (lines: LogLine[], message: string, code?: string): LogLine | undefined =>
  lines.find((line) => line.message === message && (code === undefined || line['code'] === code));

describe('one id', () => {
  it('leads from a save to the publication of its revision and to the report of the Scanner that it runs it', async () => {
    const saved = await call('PUT', '/scanners/mx1/smtp', inboundSettings());
    const { revision } = saved.body as { revision: number };
    const requestId = saved.headers.get('x-request-id') ?? '';
    const lines = await until('the report is told', async () => {
      const found = await linesOf(requestId, 'request', 'published', 'reported');
      return inFunction(found, 'reported', 'applied') ? found : undefined;
    });

    expect(inFunction(lines, 'request')).toMatchObject({
      function: expect.stringMatching(/^SettingsApi/),
      operation: 'put-smtp',
      scannerId: 'mx1',
      actor: expect.any(String),
      status: 200,
      durationMs: expect.any(Number),
      cold_start: expect.any(Boolean),
      revision,
    });
    expect(inFunction(lines, 'published')).toMatchObject({
      function: expect.stringMatching(/^WorkersPublish/),
      scannerId: 'mx1',
      revision,
      lagMs: expect.any(Number),
    });
    expect(inFunction(lines, 'reported', 'applied')).toMatchObject({
      function: expect.stringMatching(/^WorkersReport/),
      scannerId: 'mx1',
      revision,
      lagMs: expect.any(Number),
    });
    const audit = await call('GET', '/scanners/mx1/audit');
    const { items } = audit.body as { items: { revision: number; requestId: string }[] };
    expect(items.find((item) => item.revision === revision)?.requestId).toBe(requestId);
  });

  it('is in a problem document, in its header and in the one line of its request', async () => {
    const refused = await call('PUT', '/scanners/mx1/smtp', { mailFiltering: 'inbound', nonsense: 1 });
    const requestId = refused.headers.get('x-request-id') ?? '';
    expect(refused.body).toMatchObject({ code: 'VALIDATION_FAILED', requestId });
    const lines = await linesOf(requestId, 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'INFO',
      operation: 'put-smtp',
      status: 422,
      code: 'VALIDATION_FAILED',
    });
  });

  it('of a request for an import goes with the import, its revision and what the Scanner reports of that', async () => {
    await call(
      'PATCH',
      '/scanners/mx1/smtp',
      { inbound: { accept: 'listed' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    const created = await call('POST', '/scanners/mx1/access-lists/inbound/imports', {
      activate: true,
    });
    const requestId = created.headers.get('x-request-id') ?? '';
    const { importId, upload } = created.body as {
      importId: string;
      upload: { url: string; fields: Record<string, string> };
    };
    const form = new FormData();
    for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
    form.append('file', new Blob(['192.0.2.1\n192.0.2.2\n']));
    await fetch(upload.url, { method: 'POST', body: form });

    const lines = await linesOf(requestId, 'request', 'import ended', 'published', 'reported');
    expect(inFunction(lines, 'request')).toMatchObject({ operation: 'create-import', importId });
    expect(inFunction(lines, 'import ended')).toMatchObject({
      importId,
      scannerId: 'mx1',
      list: 'inbound',
      state: 'completed',
      tokens: 2,
      invalid: 0,
    });
    expect(inFunction(lines, 'published')?.['revision']).toBe(
      inFunction(lines, 'import ended')?.['revision'],
    );
  });

  it('of a file that was dropped is its import', async () => {
    const job = await dropAndImport(stack, 'mx1/inbound/more.txt', '192.0.2.3\n');
    const lines = await linesOf(job.importId, 'import ended', 'published');
    expect(inFunction(lines, 'published')).toMatchObject({ scannerId: 'mx1', revision: job.revision });
  });

  it('of a rollout goes to each of its targets', async () => {
    const target = await startPuppet(stack, 'mx2');
    await until('mx2 is seen as connected', async () => (await sync(stack, 'mx2')).connected);
    await call('PUT', '/scanners/mx2/smtp', inboundSettings());
    const begun = await call('POST', '/rollouts', { source: 'mx1', targets: { scannerIds: ['mx2'] } });
    const requestId = begun.headers.get('x-request-id') ?? '';
    const lines = await linesOf(requestId, 'request', 'published', 'reported');
    expect(inFunction(lines, 'published')).toMatchObject({ scannerId: 'mx2' });
    await target.close();
  });

  it('of a look that was asked for, and of a decommission, is in the lines of their workers', async () => {
    const looked = await call('POST', '/scanners/mx2/sync', {});
    const look = await linesOf(looked.headers.get('x-request-id') ?? '', 'request', 'a look was asked for');
    expect(inFunction(look, 'a look was asked for')?.function).toMatch(/^WorkersReconcile/);

    const gone = await call('DELETE', '/scanners/mx2');
    const lines = await linesOf(gone.headers.get('x-request-id') ?? '', 'request', 'cleared away');
    expect(inFunction(lines, 'cleared away')).toMatchObject({
      function: expect.stringMatching(/^WorkersDecommission/),
      scannerId: 'mx2',
    });
  });

  it('is with what was measured: lags once for each revision, and what the API refused by code', async () => {
    const measured = logLines(stack.dir).filter((line) => '_aws' in line);
    const lags = (name: string) =>
      measured.flatMap((line) => (line[name] as number | number[] | undefined) ?? []);
    expect(lags('PublishLag').length).toBeGreaterThanOrEqual(3);
    expect(lags('RevisionLag').length).toBeGreaterThanOrEqual(3);
    for (const lag of [...lags('PublishLag'), ...lags('RevisionLag')]) expect(lag).toBeGreaterThanOrEqual(0);
    expect(measured).toContainEqual(expect.objectContaining({ ApiProblems: 1, code: 'VALIDATION_FAILED' }));
    expect(measured).toContainEqual(
      expect.objectContaining({
        ImportEntries: 2,
        service: 'control-plane',
        ImportSeconds: expect.any(Number),
      }),
    );
    expect(measured).toContainEqual(expect.objectContaining({ ColdStart: 1 }));
    for (const line of measured) {
      const { CloudWatchMetrics } = line['_aws'] as {
        CloudWatchMetrics: { Dimensions: string[][]; Namespace: string }[];
      };
      for (const { Dimensions, Namespace } of CloudWatchMetrics) {
        expect(Namespace).toBe('ScannerControlPlane');
        for (const name of Dimensions.flat()) expect(['service', 'code', 'function_name']).toContain(name);
      }
    }
  });
});
