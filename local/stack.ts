import { randomBytes } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { S3Client } from '@aws-sdk/client-s3';
import { scopes } from '../shared/operations/define.ts';
import { openAsyncInvocations } from './async-invocations.ts';
import { bundleFunctions, insideOfEnvironment } from './bundles.ts';
import { declaredTemplate } from './declared.ts';
import { startDynamo } from './dynamodb.ts';
import { eventBus } from './event-bus.ts';
import { type FailureDestination, failureDestination } from './failure-destination.ts';
import { startGateway } from './gateway.ts';
import { startDynamoGate } from './iam/dynamodb-gate.ts';
import { type StackPrincipals, stackPrincipals } from './iam/principals.ts';
import { openRecorder } from './iam/recorder.ts';
import { assertServiceUses } from './iam/service-uses.ts';
import { openAuthority } from './iot/authority.ts';
import { startIot } from './iot/iot.ts';
import { type Issuer, mintToken, startIssuer } from './issuer.ts';
import { type Lambda, startLambda } from './lambda.ts';
import { startLambdaApi } from './lambda-api.ts';
import type { StackModel } from './model.ts';
import { choosePorts, type Ports } from './ports.ts';
import { openQueues, type Queues } from './queues.ts';
import { startS3 } from './s3/server.ts';
import { startSchedules } from './schedules.ts';
import type { Credentials } from './sigv4.ts';
import { type EmbeddedSqs, startSqs } from './sqs/server.ts';
import { lockFolder } from './stack-lock.ts';
import { openState, type State } from './state.ts';
import { startStreams } from './streams.ts';
import { readTemplate } from './template.ts';
import { expireItems } from './time-to-live.ts';

const region = 'eu-west-1';
const accountId = '000000000000';
const name = 'scanner-control-plane';
const root = join(import.meta.dirname, '..');
/** The token in `endpoints.json`, good for a month. */
const tokenSeconds = 30 * 86_400;

export interface StackOptions {
  /** Where all state is kept. */
  dir: string;
  /** First of eight ports; 0: free ones; absent: those of the last start, else the standard ones. */
  portBase?: number;
  /** Begins with nothing. */
  fresh?: boolean;
  /** Delivers each event of the bucket twice, as EventBridge may. */
  duplicateEvents?: boolean;
  /** Values of the template's parameters, as an operator would give them. */
  parameters?: Record<string, string>;
  /** Puts something between the functions and the services: is given the variables by which functions find these, and answers others. */
  between?: (variables: Record<string, string>) => Promise<Record<string, string>>;
}

/** What `endpoints.json` says. */
export interface Endpoints {
  api: string;
  token: string;
  issuer: string;
  dynamodb: string;
  s3: string;
  iotData: string;
  iot: string;
  mqtt: { host: string; port: number };
  lambda: string;
  sqs: string;
  ca: string;
  bucket: string;
  table: string;
  /** Where dead letters are: URL of the queue, name of the bucket. */
  deadLetterQueue: string;
  deadRecordBucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface EmbeddedStack {
  endpoints: Endpoints;
  close(): Promise<void>;
}

/** Credentials of this folder's stack, made once; they open nothing but it. */
const openCredentials = (dir: string): Credentials => {
  const file = join(dir, 'credentials.json');
  if (!existsSync(file)) {
    const made = {
      accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(24).toString('base64url'),
    };
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
};

const writeEndpoints = (dir: string, endpoints: Endpoints): void => {
  const file = join(dir, 'endpoints.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
};

/** Everything that has been started, ended in the opposite order. */
const shutters = () => {
  const steps: (() => void | Promise<void>)[] = [];
  return {
    add: (step: () => void | Promise<void>) => steps.push(step),
    async close() {
      for (const step of steps.splice(0).reverse()) await step();
    },
  };
};

const errorLog = (dir: string) => {
  const file = createWriteStream(join(dir, 'logs', 'stack.log'), { flags: 'a' });
  return {
    write: (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      file.write(`${new Date().toISOString()} ${text}\n`);
    },
    close: () => {
      file.end();
    },
  };
};

const lambdaVariables = (ports: Ports, dynamodb: string): Record<string, string> => ({
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${ports.s3}`,
  AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${ports.lambda}`,
  AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${ports.sqs}`,
  AWS_ENDPOINT_URL_IOT: `http://127.0.0.1:${ports.iot}`,
  AWS_ENDPOINT_URL_IOT_DATA_PLANE: `http://127.0.0.1:${ports.iot}`,
});

/** As an operator would set them whose account has the quota of a large region. */
const paces = { ShadowRate: '2000', RolloutRate: '100' };

const modelOf = async (
  issuer: string,
  ca: string,
  { dir, parameters }: StackOptions,
): Promise<StackModel> => {
  const model = readTemplate(await declaredTemplate(), {
    region,
    accountId,
    name,
    parameters: { ...paces, Issuer: issuer, MqttServerCa: ca, ...parameters },
  });
  const entries = model.functions.map(({ entry }) => entry);
  const bundleOf = await bundleFunctions([...entries, insideOfEnvironment], dir);
  const inside = bundleOf(insideOfEnvironment);
  const functions = model.functions.map((fn) => ({ ...fn, bundle: { code: bundleOf(fn.entry), inside } }));
  return { ...model, functions };
};

/** What every part is built from. */
interface Base {
  options: StackOptions;
  ports: Ports;
  credentials: Credentials;
  principals: StackPrincipals;
  state: State;
  model: StackModel;
  issuer: Issuer;
  close: ReturnType<typeof shutters>;
  onError(error: unknown): void;
}

/** Folder, ports, state, issuer, and the model of the template with what only this stack can tell it. */
const openBase = async (options: StackOptions, close: ReturnType<typeof shutters>): Promise<Base> => {
  const { dir } = options;
  close.add(lockFolder(dir));
  rmSync(join(dir, 'endpoints.json'), { force: true });
  const ports = await choosePorts(dir, options.portBase);
  const log = errorLog(dir);
  close.add(log.close);
  const state = openState(dir);
  close.add(state.close);
  const issuer = await startIssuer(dir, ports.issuer);
  close.add(issuer.close);
  const { caPem } = await openAuthority(join(dir, 'iot-authority'));
  const model = await modelOf(issuer.url, caPem, options);
  const credentials = openCredentials(dir);
  const principals = stackPrincipals(
    credentials,
    model.functions,
    openRecorder(process.env['RECORD_GRANTS']),
  );
  assertServiceUses(model, principals);
  return {
    options,
    ports,
    credentials,
    principals,
    state,
    model,
    issuer,
    close,
    onError: log.write,
  };
};

/** Queues, asynchronous invocations and the event bus between the services and the functions. */
const openEvents = ({ options, state, model, onError }: Base) => {
  const common = { onError, now: Date.now };
  const queues = openQueues(state, model.queues, { region, ...common });
  const asynchronous = openAsyncInvocations(state, model.functions, queues, common);
  const targets = { sendToQueue: queues.send, invokeAsync: asynchronous.invokeAsync };
  return { queues, asynchronous, bus: eventBus(model.eventRules, targets, options.duplicateEvents) };
};

type Events = ReturnType<typeof openEvents>;

const startServices = async (base: Base, { bus, asynchronous, queues }: Events) => {
  const { options, ports, credentials, principals, state, model, close, onError } = base;
  const dynamo = await startDynamo({
    dir: options.dir,
    port: ports.dynamodb,
    table: model.table,
    region,
    credentials,
  });
  close.add(dynamo.close);
  const s3 = await startS3({
    state,
    port: ports.s3,
    region,
    accountId,
    credentials,
    principals,
    buckets: model.buckets,
    emit: (event) => bus.emit({ ...event }),
  });
  close.add(s3.close);
  const iot = await startIot({
    state,
    region,
    accountId,
    credentials,
    principals,
    policies: model.iotPolicies,
    thingTypes: model.thingTypes,
    topicRules: model.topicRules,
    ports: { http: ports.iot, mqtt: ports.mqtt },
    invokeAsync: asynchronous.invokeAsync,
  });
  close.add(iot.close);
  const sqs = await startSqs({
    queues,
    port: ports.sqs,
    region,
    credentials,
    principals,
    onError,
    now: Date.now,
  });
  close.add(sqs.close);
  return { dynamo, s3, iot, sqs };
};

type Services = Awaited<ReturnType<typeof startServices>>;

/** Mappings put what failed for good into a bucket as anybody would: over the wire, in the name of their function. */
const openFailures = (
  { principals, model, close }: Base,
  queues: Queues,
  endpoint: string,
): FailureDestination => {
  const clients = new Map(
    model.eventSources.map(({ functionArn }) => {
      const { credentials } = principals.ofFunction(functionArn);
      return [functionArn, new S3Client({ endpoint, region, credentials, forcePathStyle: true })];
    }),
  );
  for (const client of clients.values()) close.add(() => client.destroy());
  return failureDestination((arn) => clients.get(arn) as S3Client, model.buckets, queues);
};

/** The functions, the API by which they invoke each other, and everything that wakes them. */
const startFunctions = async (
  base: Base,
  { queues, asynchronous, bus }: Events,
  { dynamo, s3 }: Services,
): Promise<{ lambda: Lambda; url: string }> => {
  const { options, ports, credentials, principals, state, model, close, onError } = base;
  const gate = await startDynamoGate({
    url: dynamo.url,
    table: model.table,
    region,
    principals,
    accessKeyId: credentials.accessKeyId,
    onError,
  });
  close.add(gate.close);
  const own = lambdaVariables(ports, gate.url);
  const lambda = startLambda({
    functions: model.functions,
    root,
    logDir: join(options.dir, 'logs'),
    variables: (await options.between?.(own)) ?? own,
    credentialsOf: (fn) => principals.ofFunction(fn.arn).credentials,
  });
  close.add(lambda.close);
  asynchronous.deliver(lambda);
  close.add(asynchronous.stop);
  const api = await startLambdaApi({
    functions: model.functions,
    lambda,
    invokeAsync: asynchronous.invokeAsync,
    port: ports.lambda,
    region,
    credentials,
    principals,
    onError,
  });
  close.add(api.close);
  queues.deliver(model.eventSources, lambda);
  close.add(queues.stop);
  const rules = model.eventRules;
  close.add(
    startSchedules({ state, rules, region, accountId, deliver: bus.deliver, onError, now: Date.now }),
  );
  const client = new DynamoDBStreamsClient({ endpoint: dynamo.url, region, credentials, maxAttempts: 1 });
  close.add(() => client.destroy());
  const failures = openFailures(base, queues, s3.url);
  const common = { state, client, table: model.table, region, lambda, failures, onError, now: Date.now };
  const streams = await startStreams(common, model.eventSources);
  close.add(async () => {
    await Promise.all(streams.map((stream) => stream.stop()));
  });
  close.add(expireItems({ url: dynamo.url, table: model.table, region, credentials, onError }));
  return { lambda, url: api.url };
};

/** Where dead letters are: what the functions' and the mappings' failure destinations are. */
const deadLettersOf = ({ queues, functions, buckets, eventSources }: StackModel, sqs: EmbeddedSqs) => {
  const queue = queues.find(({ arn }) => functions.some((fn) => fn.onFailureQueueArn === arn));
  const bucket = buckets.find(({ arn }) => eventSources.some((source) => source.onFailureArn === arn));
  return { deadLetterQueue: queue ? sqs.urlOf(queue) : '', deadRecordBucket: bucket?.name ?? '' };
};

const endpointsOf = async (
  base: Base,
  { dynamo, s3, iot, sqs }: Services,
  urls: { gateway: string; lambda: string },
): Promise<Endpoints> => {
  const { options, credentials, model, issuer } = base;
  const request = { issuer: issuer.url, scope: scopes, expiresInSeconds: tokenSeconds };
  return {
    api: `${urls.gateway}/v1`,
    token: await mintToken(options.dir, request),
    issuer: issuer.url,
    dynamodb: dynamo.url,
    s3: s3.url,
    iotData: iot.dataUrl,
    iot: iot.controlUrl,
    mqtt: iot.mqtt,
    lambda: urls.lambda,
    sqs: sqs.url,
    ca: iot.caPath,
    bucket: model.buckets[0]?.name ?? name,
    table: model.table.name,
    ...deadLettersOf(model, sqs),
    region,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey,
  };
};

const startParts = async (
  options: StackOptions,
  close: ReturnType<typeof shutters>,
): Promise<EmbeddedStack> => {
  const base = await openBase(options, close);
  const events = openEvents(base);
  const services = await startServices(base, events);
  const { lambda, url } = await startFunctions(base, events, services);
  const { model, issuer, ports, onError } = base;
  const gateway = await startGateway({
    api: model.api,
    keys: issuer.keys,
    lambda,
    port: ports.api,
    accountId,
    onError,
  });
  close.add(gateway.close);
  const endpoints = await endpointsOf(base, services, { gateway: gateway.url, lambda: url });
  writeEndpoints(options.dir, endpoints);
  close.add(() => rmSync(join(options.dir, 'endpoints.json'), { force: true }));
  return { endpoints, close: close.close };
};

/**
 * Starts everything that the functions and the Scanners need, on loopback, from what `infra/` declares. What was acknowledged before a
 * crash is there after the next start on the same folder, and what was under way is delivered again.
 */
export const startStack = async (options: StackOptions): Promise<EmbeddedStack> => {
  const { dir } = options;
  if (options.fresh) rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'logs'), { recursive: true, mode: 0o700 });
  const close = shutters();
  try {
    return await startParts(options, close);
  } catch (error) {
    await close.close();
    throw error;
  }
};
