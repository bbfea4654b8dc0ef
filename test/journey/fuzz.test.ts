import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerHeaders, type Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import { gatewayRefusal, problemDocument } from '../../shared/schemas/problem.ts';
import { make } from '../helpers/certificates.ts';
import { mutated, oddText } from '../helpers/odd-values.ts';
import { type JsonSchema, schemaArbitrary } from '../helpers/schema-arbitrary.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { dropAndImport, inboundSettings, register, save } from './support.ts';

/** Requests of each operation, and where they begin: `FUZZ_RUNS=1000 FUZZ_SEED=… npx vitest run --project journey fuzz`. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 6);
const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: JsonSchema;
  example?: unknown;
}

interface Response {
  $ref?: string;
  content: Record<string, { schema: JsonSchema; examples?: Record<string, unknown> }>;
}

interface Described {
  path: string;
  method: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: JsonSchema; example: unknown }> };
  responses: Record<string, Response>;
}

interface Document {
  paths: Record<string, Record<string, Omit<Described, 'path' | 'method'> & { operationId: string }>>;
  components: Record<string, Record<string, unknown>>;
}

interface Request {
  path: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | undefined;
}

let stack: StackProcess;
let document: Document;

/**
 * What exists, by the name under which parameters and members speak of it; every success adds what it names. What was prepared stays,
 * of the rest the newest.
 */
const known = new Map<string, string[]>();

const remember = (name: string, value: unknown): void => {
  if (typeof value !== 'string' && typeof value !== 'number') return;
  const values = known.get(name) ?? [];
  if (values.includes(String(value))) return;
  known.set(name, [...values.slice(0, 10), ...values.slice(10).slice(-9), String(value)]);
};

/** Ids, revisions and cursors of an answer, wherever they stand in it. */
const harvest = (value: unknown, name = ''): void => {
  if (Array.isArray(value)) for (const one of value.slice(0, 20)) harvest(one, name);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) harvest(inner, key);
  else if (/Id$/.test(name) || name === 'revision') remember(name, value);
  else if (name === 'nextCursor') remember('cursor', value);
};

const scannerId = 'fuzz-1';

const localDelivery = `/scanners/${scannerId}/host-lists/local-delivery`;
const inboundEntries = `/scanners/${scannerId}/access-lists/inbound/entries`;
const listed = [{ value: '192.0.2.0/24' }, { value: 'partner.example' }];

const made = async (path: string, body: unknown): Promise<void> => {
  const answer = await stack.call('POST', path, body);
  expect(answer.status).toBeLessThan(300);
  harvest(answer.body);
};

/** Entries and a host that others may have taken away are there again, and known: how many there are, and the host by its id. */
const restoreLists = async (): Promise<void> => {
  await made(inboundEntries, { entries: listed });
  const { body } = await stack.call('GET', inboundEntries);
  known.set('entries', [String((body as { totalEntries: number }).totalEntries)]);
  await stack.call('POST', `${localDelivery}/hosts`, { host: 'mail.example.com' });
  const hosts = (await stack.call('GET', localDelivery)).body as { items: { hostId: string }[] };
  const present = hosts.items.map(({ hostId }) => hostId);
  known.set('hostId', [...new Set([...present, ...(known.get('hostId') ?? [])])].slice(0, 20));
};

const csrOf = async (name: string): Promise<string> => {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys,
    signingAlgorithm,
  });
  return request.toString('pem');
};

/** No host is in the way of the documentation's own. */
const withoutHosts = async (): Promise<void> => {
  const { items } = (await stack.call('GET', localDelivery)).body as { items: { hostId: string }[] };
  for (const { hostId } of items) {
    const answer = await stack.call('DELETE', `${localDelivery}/hosts/${hostId}`);
    expect(answer.status).toBe(200);
  }
};

/** What a name that is taken once may be, told apart. */
let unused = 0;

/** Things of the fleet that no Scanner uses, known before all others: whoever deletes one finds one that may go. */
const unusedCredentials = async (): Promise<void> => {
  unused += 1;
  const [certificatePem] = known.get('certificatePem') ?? [];
  const [privateKeyPem] = known.get('privateKeyPem') ?? [];
  const name = `unused ${unused}`;
  const bodies: Record<string, object> = {
    certificates: { name, certificatePem, privateKeyPem },
    'client-authorities': { name, certificatePem },
    'directory-sources': { ...directorySource, name },
  };
  for (const [path, body] of Object.entries(bodies)) {
    const answer = await stack.call('POST', `/${path}`, body);
    expect(answer.status).toBeLessThan(300);
    const [id, value] = Object.entries(answer.body as object).find(([key]) => /Id$/.test(key)) ?? [];
    known.set(String(id), [String(value), ...(known.get(String(id)) ?? [])].slice(0, 20));
  }
};

const directorySource = {
  functions: ['routing'],
  host: 'ldap.example.com',
  baseDn: 'dc=example,dc=com',
  userFilter: '(mail=%s)',
};

/** Certificates that may be a server's and an authority's alike, with their keys; and one of each thing of the fleet. */
const prepareCredentials = async (): Promise<void> => {
  for (const subject of ['CN=One', 'CN=Two']) {
    const { pem, keyPem } = await make({ subject, names: ['mx.example.com'], isAuthority: true });
    remember('certificatePem', pem);
    remember('privateKeyPem', keyPem);
  }
  const [certificatePem] = known.get('certificatePem') ?? [];
  const [privateKeyPem] = known.get('privateKeyPem') ?? [];
  await made('/certificates', { name: 'prepared', certificatePem, privateKeyPem });
  await made('/client-authorities', { name: 'prepared', certificatePem });
  await made('/directory-sources', {
    ...directorySource,
    name: 'prepared',
    functions: ['authentication'],
  });
};

/** A Scanner with something in every list, several revisions, and imports in three states, so that handlers have something to work on. */
const prepare = async (): Promise<void> => {
  await register(stack, scannerId);
  await register(stack, 'fuzz-2');
  await save(stack, scannerId, inboundSettings(25));
  const at = `/scanners/${scannerId}`;
  const entries = Array.from({ length: 10 }, (_, index) => ({ value: `198.51.100.${index}` }));
  const writes: [string, unknown][] = [
    [inboundEntries, { entries: listed }],
    [`${at}/access-lists/outbound/entries`, { entries }],
    [`${localDelivery}/hosts`, { host: 'mail.example.com' }],
    [`${at}/host-lists/relay/hosts`, { host: '192.0.2.25', port: 2525 }],
    [`${at}/access-lists/outbound/imports`, {}],
  ];
  for (const [path, body] of writes) await made(path, body);
  harvest(await dropAndImport(stack, `${scannerId}/inbound/skipped.txt`, '192.0.2.300 192.0.2.1', skipping));
  const waiting = await dropAndImport(stack, `${scannerId}/outbound/waits.txt`, '198.51.100.1', {
    mode: 'replace',
  });
  expect(waiting.state).toBe('awaiting-confirmation');
  harvest(waiting);
  for (const path of [`${at}/revisions?limit=2`, '/scanners?limit=1', at])
    harvest((await stack.call('GET', path)).body);
  remember('csr', await csrOf(scannerId));
  // Of itself to itself, and to others: no copy empties what was prepared.
  remember('from', scannerId);
  remember('source', scannerId);
  await openRollout('none');
  await prepareCredentials();
};

/** A rollout that is where an action can be done: its many targets, of which there is none, take a moment to be found. */
const openRollout = async (action: string): Promise<void> => {
  const scannerIds = Array.from({ length: 80 }, (_, index) => `nobody-${index}`);
  const answer = await stack.call('POST', '/rollouts', { source: scannerId, targets: { scannerIds } });
  const { rolloutId } = answer.body as { rolloutId: string };
  if (action === 'resume') await stack.call('POST', `/rollouts/${rolloutId}/halt`, {});
  known.set('rolloutId', [...(known.get('rolloutId') ?? []), rolloutId]);
};

/** What is asked of a rollout that is there is asked of one that is new: an action can be done once. */
const onOpenRollout = async (id: string, request: Request): Promise<Request> => {
  const { rolloutId } = request.path;
  const [, action] = /^(halt|resume|cancel|revert)-rollout$/.exec(id) ?? [];
  if (action === undefined || !known.get('rolloutId')?.includes(rolloutId ?? '')) return request;
  await openRollout(action);
  return { ...request, path: { ...request.path, rolloutId: known.get('rolloutId')?.at(-1) ?? '' } };
};

const skipping = { 'on-invalid': 'skip', activate: 'true' };

beforeAll(async () => {
  console.log(`fuzzing with FUZZ_SEED=${seed} FUZZ_RUNS=${numRuns}`);
  stack = await startStackProcess();
  document = (await stack.call('GET', '/openapi.json')).body as Document;
  await prepare();
});
afterAll(() => stack?.stop());

const resolve = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document);

const describedAs = (id: string): Described => {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, one] of Object.entries(methods))
      if (one.operationId === id) return { ...one, path, method: method.toUpperCase() };
  throw new Error(`The served document has no operation ${id}.`);
};

/** Something that exists under this name, as often as not the first of it; which, is decided when it is asked for. */
const existing = (name: string): fc.Arbitrary<string> | undefined => {
  if (!known.has(name)) return undefined;
  const index = fc.oneof(fc.constant(0), fc.nat(19));
  return index.map((chosen) => {
    const values = known.get(name) ?? [];
    return values[chosen % values.length] ?? '';
  });
};

const options = { resolve: (reference: string) => resolve(reference) as JsonSchema, textFor: existing };

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** A parameter's value as it should be, mostly one that exists; sometimes an odd one. */
const parameterText = ({ name, schema, example }: Parameter): fc.Arbitrary<string> => {
  const valid = schemaArbitrary(schema, options, name).map(text);
  const there = existing(name) ?? (schema.enum ? valid : fc.constant(text(example)));
  return fc.oneof(
    { arbitrary: there, weight: 12 },
    { arbitrary: valid, weight: 2 },
    { arbitrary: oddText, weight: 1 },
  );
};

const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary, weight }, { arbitrary: fc.constant(undefined), weight: 10 - weight });

const record = <T>(
  arbitraries: Record<string, fc.Arbitrary<T | undefined>>,
): fc.Arbitrary<Record<string, T>> =>
  fc
    .record(arbitraries)
    .map((all) =>
      Object.fromEntries(Object.entries(all).filter((pair): pair is [string, T] => pair[1] !== undefined)),
    );

const parametersIn = (described: Described, place: Parameter['in']): Parameter[] =>
  (described.parameters ?? []).filter((parameter) => parameter.in === place);

/** `..` and empty segments name other paths, as every client resolves them (RFC 3986, section 5.2.4). */
const segment = (value: string): string => (/^\.{0,2}$/.test(value) ? '-' : value);

const pathOf = (described: Described) =>
  record(
    Object.fromEntries(
      parametersIn(described, 'path').map((one) => [one.name, parameterText(one).map(segment)]),
    ),
  );

const queryOf = (described: Described): fc.Arbitrary<[string, string][]> => {
  const declared = record(
    Object.fromEntries(
      parametersIn(described, 'query').map((one) => [one.name, rarely(parameterText(one), 4)]),
    ),
  ).map((given) => Object.entries(given));
  const more = rarely(fc.array(fc.tuple(oddText, oddText), { maxLength: 2 }), 1);
  const twice = rarely(fc.constant(true), 1);
  return fc
    .tuple(declared, more, twice)
    .map(([given, odd, again]) => [...given, ...(odd ?? []), ...(again ? given : [])]);
};

/** Header values are of Latin 1, without line ends. */
const headerText = fc
  .oneof(oddText, fc.constantFrom('"1"', '"2"', '"999"', '*', '1', '"1","2"', 'W/"3"', '""'))
  .map((value) => value.replace(/[^\u0020-\u007e\u00a0-\u00ff]/g, '').slice(0, 2000));

const headersOf = (described: Described) =>
  record({
    ...Object.fromEntries(
      parametersIn(described, 'header').map(({ name }) => [
        name,
        rarely(fc.oneof(headerText, fc.constantFrom('"2"', '*', 'key-1', 'key-2')), 3),
      ]),
    ),
    authorization: rarely(fc.constantFrom('', 'Bearer', 'Bearer x.y.z', 'Basic eDp5'), 1).chain((value) =>
      rarely(fc.constant(value), 2).map((given) => given ?? undefined),
    ),
  });

const contentTypes = (taken: string[]) =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...taken), weight: 20 },
    {
      arbitrary: fc.constantFrom(
        'application/json; charset=utf-8',
        'APPLICATION/JSON',
        'text/plain',
        'application/xml',
        ';',
        '',
      ),
      weight: 1,
    },
  );

const notText = fc.oneof(
  fc.constant(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])),
  fc.constant(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])),
  fc.uint8Array({ maxLength: 40 }),
) as fc.Arbitrary<Uint8Array<ArrayBuffer>>;

const bodyOf = ({ requestBody }: Described): fc.Arbitrary<{ type?: string; body?: Request['body'] }> => {
  if (!requestBody)
    return rarely(fc.constant({ type: 'application/json', body: '{}' }), 1).map((one) => one ?? {});
  const types = Object.keys(requestBody.content);
  const { schema, example } = requestBody.content[types[0] ?? ''] ?? { schema: {}, example: {} };
  const valid = fc.oneof(schemaArbitrary(schema, options), fc.constant(example));
  const body = fc.oneof(
    { arbitrary: valid.map((value) => JSON.stringify(value)), weight: 6 },
    { arbitrary: mutated(valid), weight: 8 },
    { arbitrary: notText, weight: 1 },
    { arbitrary: fc.constant(undefined), weight: 1 },
  );
  return fc.record({ type: contentTypes(types), body });
};

const requestOf = (described: Described): fc.Arbitrary<Request> => {
  const takesBody = described.method !== 'GET';
  const body = takesBody ? bodyOf(described) : fc.constant<{ type?: string; body?: Request['body'] }>({});
  return fc
    .tuple(pathOf(described), queryOf(described), headersOf(described), body)
    .map(([path, query, headers, { type, body }]) => ({
      path,
      query,
      headers: type === undefined ? headers : { 'content-type': type, ...headers },
      body,
    }));
};

const noHeaders: Record<string, string> = {};

/** Two rounds, the body of the documentation and one that names what exists, go to the same thing. */
const ofThing = (values: string[], round: number): string =>
  values[Math.floor(round / 2) % values.length] ?? '';

/** Requests of things that exist with the body of the documentation's example: what should work goes first. */
const plainRequests = (described: Described): [Request][] => {
  const [type, content] = Object.entries(described.requestBody?.content ?? {})[0] ?? [];
  const pathFor = (round: number) =>
    Object.fromEntries(
      parametersIn(described, 'path').map(({ name, example }) => {
        const values = known.get(name) ?? [text(example)];
        return [name, ofThing(values, round)];
      }),
    );
  // Guards are passed: whether an earlier request made them matter is chance.
  const required = parametersIn(described, 'query').filter(
    (one) => one.required || one.name === 'acknowledge',
  );
  return Array.from({ length: 6 }, (_, round): [Request] => [
    {
      path: pathFor(round),
      query: required.map(({ name, example }) => [name, ofThing(known.get(name) ?? [text(example)], round)]),
      headers: type === undefined ? noHeaders : { 'content-type': type },
      body: content === undefined ? undefined : JSON.stringify(withKnown(content.example, round)),
    },
  ]);
};

/** A body of the documentation, in every other round with members that name what exists, however deep they are. */
const withKnown = (value: unknown, round: number, name = ''): unknown => {
  if (Array.isArray(value)) return value.map((one) => withKnown(one, round));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, withKnown(inner, round, key)]),
    );
  const values = known.get(name);
  if (!values || round % 2 === 0) return value;
  if (typeof value === 'number') return Number(ofThing(values, round));
  return typeof value === 'string' ? ofThing(values, round) : value;
};

const send = async ({ path: pattern, method }: Described, { path, query, headers, body }: Request) => {
  const filled = pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((path[name] ?? '').toWellFormed()),
  );
  const search = query.length === 0 ? '' : `?${new URLSearchParams(query)}`;
  const { api, token } = stack.endpoints;
  const answer = await fetch(`${api.replace(/\/v1$/, '')}${filled}${search}`, {
    method,
    redirect: 'manual',
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};

type Sent = Awaited<ReturnType<typeof send>>;

/** What API Gateway refuses by itself: a token that is none, and a request line and headers over their limit. */
const isRefusal = ({ status, text: body }: Sent): boolean =>
  [401, 403, 431].includes(status) && gatewayRefusal.safeParse(JSON.parse(body)).success;

const responseOf = (described: Described, status: number): Response => {
  const response = described.responses[String(status)];
  if (!response) throw new Error(`The status ${status} is not declared.`);
  return response.$ref ? (resolve(response.$ref) as Response) : response;
};

/** A problem document whose code, and the codes inside `errors`, are among those that the response declares. */
const assertProblem = (described: Described, { status, headers, text: body }: Sent): void => {
  const problem = problemDocument.parse(JSON.parse(body));
  const declared = responseOf(described, status).content['application/problem+json']?.examples ?? {};
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(problem.status).toBe(status);
  expect(declared).toHaveProperty([`problem.${problem.code}`]);
  for (const { code } of problem.errors ?? []) expect(declared).toHaveProperty([`errors.${code}`]);
};

const isDryRun = ({ query }: Request): boolean =>
  query.some(([name, value]) => name === 'dryRun' && value === 'true');

const assertSuccess = (
  operation: Operation,
  described: Described,
  request: Request,
  { status, headers, text: body }: Sent,
) => {
  const [type = ''] = (headers.get('content-type') ?? '').split(';');
  const answered: unknown = type === 'application/json' ? JSON.parse(body) : body;
  const parsed = operation.returns[status]?.safeParse(answered);
  expect(responseOf(described, status).content).toHaveProperty([type]);
  expect(parsed?.error).toBeUndefined();
  expect(parsed?.data).toEqual(answered);
  if (!isDryRun(request)) for (const name of answerHeaders(operation)) expect(headers.get(name)).toBeTruthy();
  if (operation.id !== 'get-openapi') harvest(answered);
};

/** What was answered, by operation and outcome: fuzzing that never reaches a handler shows nothing. */
const outcomes = new Map<string, Map<string, number>>();

const count = (id: string, { status, text: body }: Sent): void => {
  const code = status < 400 ? '' : ((JSON.parse(body) as { code?: string }).code ?? 'gateway');
  const own = outcomes.get(id) ?? new Map<string, number>();
  const outcome = `${status} ${code}`.trim();
  outcomes.set(id, own.set(outcome, (own.get(outcome) ?? 0) + 1));
};

const shown = () =>
  [...outcomes].map(
    ([id, own]) => `  ${id}: ${[...own].map(([outcome, times]) => `${outcome} x${times}`).join(', ')}`,
  );

/** What takes things away goes last, and at the very end what takes away the Scanner that all of them are on. */
const destruction = ({ id }: Operation): number =>
  id === 'delete-scanner' ? 2 : Number(/^(cancel|delete|remove|clear)-/.test(id));
const ordered = [...(operations as readonly Operation[])].sort(
  (one, other) => destruction(one) - destruction(other),
);
const isSuccess = (operation: Operation, status: number): boolean => status in operation.returns;

describe('whatever is sent to', () => {
  it.each(
    ordered.map((operation) => [operation.id, operation] as const),
  )('%s is answered as the OpenAPI document says', async (id, operation) => {
    const described = describedAs(id);
    await restoreLists();
    if (/^delete-(certificate|client-authority|directory-source)$/.test(id)) await unusedCredentials();
    if (id === 'add-host') await withoutHosts();
    const property = fc.asyncProperty(requestOf(described), async (request) => {
      const answer = await send(described, await onOpenRollout(id, request));
      expect(answer.status).toBeLessThan(500);
      count(id, answer);
      if (isSuccess(operation, answer.status)) assertSuccess(operation, described, request, answer);
      else if (!isRefusal(answer)) assertProblem(described, answer);
    });
    await fc.assert(property, { seed, numRuns, examples: plainRequests(described) });
  });

  it('each operation, some of it succeeds', () => {
    console.log(shown().join('\n'));
    const succeeds = (id: string) =>
      [...(outcomes.get(id)?.keys() ?? [])].some((outcome) => outcome.startsWith('2'));

    expect(operations.map(({ id }) => id).filter((id) => !succeeds(id))).toEqual([]);
  });

  it('all of them, no function logs an answer or a code that its operation does not declare', () => {
    const folder = join(stack.dir, 'logs');
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));

    expect(lines.filter((line) => /undeclared_code|response_mismatch/.test(line))).toEqual([]);
  });
});
