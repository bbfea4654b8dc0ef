import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { everyList } from '../../../shared/domain/configuration.ts';
import { routeKey } from '../../../shared/operations/define.ts';
import { operations } from '../../../shared/operations/index.ts';
import type { AccessEntry, ListReferences } from '../../../shared/schemas/lists.ts';
import { noOutboundTls } from '../../../shared/schemas/smtp.ts';
import { newId, startServices } from './services.ts';

/** Commands that went to the table and to the bucket, as the SDK sent them. */
let calls: string[] = [];
const called = (...names: string[]): number => calls.filter((call) => names.includes(call)).length;
const objectReads = () => called('GetObjectCommand', 'HeadObjectCommand');
const tableReads = () => called('GetItemCommand', 'BatchGetItemCommand', 'QueryCommand');

let end: () => Promise<void>;
let handler: (event: never, context: never) => Promise<{ statusCode: number; body: string }>;
let makeExport: typeof import('../../../functions/workers/derive/make-export.ts').makeExport;
let scannerId: string;

const size = 120_000;
const numberOf = (index: number) => index * 2;
const addressOf = (number: number) => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;

const whole: AccessEntry[] = Array.from({ length: size }, (_, index) => ({
  value: addressOf(numberOf(index)),
  kind: 'ipv4',
  enabled: true,
}));

const counting =
  (next: (args: never) => Promise<never>, context: Record<string, unknown>) => (args: never) => {
    calls.push(String(context['commandName']));
    return next(args);
  };

interface Count {
  middlewareStack: { add(middleware: typeof counting, options: object): void };
}

const countCallsOf = (client: unknown) =>
  (client as Count).middlewareStack.add(counting, { step: 'initialize', name: 'counting' });

/** Calls the function of the lists as the gateway does. */
const call = async (
  id: (typeof operations)[number]['id'],
  query: Record<string, string> = {},
  body?: unknown,
  of = scannerId,
) => {
  const operation = operations.find((one) => one.id === id) as (typeof operations)[number];
  const event = {
    routeKey: routeKey(operation),
    rawPath: '/',
    rawQueryString: new URLSearchParams(query).toString(),
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    pathParameters: { scannerId: of, list: 'outbound' },
    queryStringParameters: query,
    requestContext: { requestId: newId('request'), http: { method: operation.method } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const answer = await handler(event as never, {} as never);
  return { status: answer.statusCode, body: JSON.parse(answer.body || 'null') as Record<string, unknown> };
};

const registered = async (outbound: ListReferences['outbound'], empty: ListReferences['outbound']) => {
  const { createScanner } = await import('../../../functions/stores/scanners.ts');
  const id = newId('mx');
  const lists = { ...everyList(empty), outbound };
  const asked = {
    actor: { name: 'me', requestId: newId('request') },
    operation: 'create-scanner',
    at: new Date(),
  };
  await createScanner({ scannerId: id, labels: {}, enabled: true, epoch: 'e' }, lists, asked);
  return id;
};

beforeAll(async () => {
  end = await startServices();
  const lists = await import('../../../functions/stores/lists.ts');
  const { s3 } = await import('../../../functions/stores/objects.ts');
  const { dynamo } = await import('../../../functions/stores/dynamo.ts');
  ({ handler } = (await import('../../../functions/api/lists.lambda.ts')) as never);
  ({ makeExport } = await import('../../../functions/workers/derive/make-export.ts'));
  for (const client of [s3, dynamo]) countCallsOf(client);
  scannerId = await registered(await lists.writeList(lists.build(whole)), await lists.writeEmptyList());
});
afterAll(() => end?.());
beforeEach(() => {
  calls = [];
});

describe(`in a list of ${size} entries`, () => {
  it.each([
    ['first', { page: '1' }],
    ['last', { page: '120', pageSize: '1000' }],
    ['deep', { page: '77', pageSize: '1000' }],
    ['of the smallest', { page: '60001', pageSize: '1' }],
    ['of a walk', { cursor: '', pageSize: '1000' }],
    ['of an earlier revision', { page: '50', pageSize: '1000', revision: '1' }],
    ['of a network', { under: '10.1.0.0/16', cursor: '', pageSize: '1000' }],
    ['of a kind that is not there', { kind: 'domain' }],
    ['of a domain that is not there', { under: 'example.com' }],
  ])('a page (%s) costs one table read and at most three object reads', async (_, query) => {
    const { status } = await call('list-entries', query as Record<string, string>);

    expect(status).toBe(200);
    expect(tableReads()).toBe(1);
    expect(objectReads()).toBeLessThanOrEqual(3);
  });

  it('one entry costs one table read and two object reads', async () => {
    const { body } = await call('get-entry', { value: addressOf(numberOf(70_000)) });

    expect(body).toMatchObject({ value: addressOf(numberOf(70_000)) });
    expect([tableReads(), objectReads()]).toEqual([1, 2]);
  });

  it.each([
    1, 40_000, 119_999,
  ])('an edit at %i reads the chunks beside it, and writes at most two and the manifest', async (at) => {
    const value = addressOf(numberOf(at) + 1);
    const edits = [
      () => call('add-entries', {}, { entries: [{ value }] }),
      () => call('patch-entry', { value }, { enabled: false }),
      () => call('delete-entry', { value }),
    ];
    for (const edit of edits) {
      calls = [];
      const { status } = await edit();

      expect(status).toBe(200);
      expect(objectReads()).toBeLessThanOrEqual(7);
      expect(called('PutObjectCommand')).toBeLessThanOrEqual(3);
      expect(called('TransactWriteItemsCommand')).toBe(1);
    }
    expect(await call('get-access-list')).toMatchObject({ body: { entries: size } });
  });

  it('an edit that changes nothing, or only would, writes nothing', async () => {
    const value = addressOf(numberOf(5));
    await call('patch-entry', { value }, { enabled: true });
    await call('delete-entry', { value, dryRun: 'true' });

    expect(called('PutObjectCommand', 'TransactWriteItemsCommand')).toBe(0);
  });

  it('a copy reads two manifests and what could open a relay, and writes no object', async () => {
    const lists = await import('../../../functions/stores/lists.ts');
    const empty = await lists.writeEmptyList();
    const other = await registered(empty, empty);
    calls = [];

    const { status, body } = await call('copy-access-list', {}, { from: scannerId }, other);

    expect([status, body['entries']]).toEqual([200, size]);
    expect(objectReads()).toBe(2);
    expect(called('PutObjectCommand')).toBe(0);
  });

  it('an export reads each chunk once', async () => {
    const summary = (await call('get-access-list')).body;
    calls = [];
    await makeExport(String(summary['root']), 'export-txt', 'txt');
    const { readManifest } = await import('../../../functions/stores/lists.ts');
    const { chunks } = await readManifest(String(summary['root']));

    expect(called('GetObjectCommand')).toBe(chunks.length + 2);
  });
});

describe('in a list of networks, domains and addresses', () => {
  it('a match reads the manifest and few chunks', async () => {
    const lists = await import('../../../functions/stores/lists.ts');
    const mixed = [
      ...Array.from({ length: 30_000 }, (_, index) => ({
        value: `${(index >> 8) + 1}.${index & 255}.0.0/24`,
        kind: 'ipv4-network' as const,
        enabled: true,
      })),
      ...Array.from({ length: 20_000 }, (_, index) => ({
        value: `d${String(index).padStart(5, '0')}.example.com`,
        kind: 'domain' as const,
        enabled: true,
      })),
    ];
    const empty = await lists.writeEmptyList();
    const id = await registered(await lists.writeList(lists.build(mixed)), empty);
    const { changeConfiguration } = await import('../../../functions/stores/heads.ts');
    await changeConfiguration({
      scannerId: id,
      part: 'smtp',
      operation: 'put-smtp',
      actor: { name: 'me', requestId: newId('request') },
      at: new Date(),
      compute: async ({ configuration }) => ({
        configuration: {
          ...configuration,
          smtp: {
            mailFiltering: 'outbound',
            outbound: {
              ipv4: { address: '192.0.2.1', port: 25 },
              ipv6: null,
              tls: noOutboundTls,
              nonLocalDelivery: 'mx',
            },
          },
        },
        result: null,
      }),
    });
    calls = [];

    const query = { client: '77.3.0.9', name: 'mail.d00077.example.com' };
    const { body } = await call('match-access-list', query, undefined, id);

    expect(body['desired']).toMatchObject({
      accepted: true,
      entries: [{ value: '77.3.0.0/24' }, { value: 'd00077.example.com' }],
    });
    expect(tableReads()).toBe(1);
    expect(objectReads()).toBeLessThanOrEqual(12);
  });
});
