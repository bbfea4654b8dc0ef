import { ApiError, forbidden, invalidRequest, notImplemented, resourceNotFound } from './api-error.ts';
import type { Arns } from './arns.ts';
import type { Broker } from './broker.ts';
import { maxMessageBytes } from './broker-gate.ts';
import { type ApiRequest, type ApiRoute, queryNumber } from './http-api.ts';
import type { JsonObject } from './json.ts';
import type { MessageHub } from './message-hub.ts';
import { checkNames, ShadowError, type ShadowKey } from './shadow-request.ts';
import { parseShadowTopic, type ShadowOperation } from './shadow-topics.ts';
import type { Shadows } from './shadows.ts';
import { withinTopicLimits } from './topic-filter.ts';

/** The SDK signs for `iotdata`; the developer guide says `iotdevicegateway`. */
const services = ['iotdata', 'iotdevicegateway'];

/** Error names of the iot-data service model, by status. */
const errorNames: Record<number, string> = {
  400: 'InvalidRequestException',
  404: 'ResourceNotFoundException',
  409: 'ConflictException',
  413: 'RequestEntityTooLargeException',
  415: 'UnsupportedDocumentEncodingException',
  429: 'ThrottlingException',
};

const translated = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ShadowError)) throw error;
    throw new ApiError(error.code, errorNames[error.code] ?? 'InternalFailureException', error.message);
  }
};

const keyOf = ({ params, query }: ApiRequest): ShadowKey => {
  const shadow = query.get('name');
  return { thing: params['thingName'] ?? '', ...(shadow !== null && { shadow }) };
};

const shadowActions: Record<ShadowOperation, string> = {
  get: 'GetThingShadow',
  update: 'UpdateThingShadow',
  delete: 'DeleteThingShadow',
};

/** What all of them have: an action on the resource that one segment of the path names. */
const guarded = (arns: Arns, action: string, kind: string, segment: string) => ({
  services,
  denied: forbidden,
  wanted: ({ params }: ApiRequest) => [
    { action: `iot:${action}`, resource: arns.of(kind, params[segment] ?? '') },
  ],
});

const shadowRoute = (hub: MessageHub, arns: Arns, method: string, operation: ShadowOperation): ApiRoute => ({
  method,
  path: '/things/{thingName}/shadow',
  ...guarded(arns, shadowActions[operation], 'thing', 'thingName'),
  handle: (request) => translated(() => hub.request(operation, keyOf(request), request.body)),
});

const listNamedShadows = (shadows: Shadows, request: ApiRequest, now: () => Date): JsonObject => {
  const thing = request.params['thingName'] ?? '';
  translated(() => checkNames({ thing }));
  const pageSize = queryNumber(request, 'pageSize', { min: 1, max: 100, fallback: 25 });
  const token = request.query.get('nextToken');
  const after = token === null ? '' : Buffer.from(token, 'base64url').toString();
  const found = shadows.list(thing, after, pageSize + 1);
  const results = found.slice(0, pageSize);
  const last = found.length > pageSize ? results.at(-1) : undefined;
  return {
    results,
    timestamp: Math.floor(now().getTime() / 1000),
    ...(last !== undefined && { nextToken: Buffer.from(last).toString('base64url') }),
  };
};

const rejectQuery = ({ query }: ApiRequest, known: string[]): void => {
  for (const name of query.keys()) if (!known.includes(name)) throw notImplemented(name);
};

const publish = (hub: MessageHub, request: ApiRequest): JsonObject => {
  rejectQuery(request, ['qos', 'retain']);
  const topic = request.params['topic'] ?? '';
  const qos = queryNumber(request, 'qos', { min: 0, max: 1, fallback: 0 }) === 1 ? 1 : 0;
  const retain = request.query.get('retain') === 'true';
  if (!withinTopicLimits(topic) || /[+#]/.test(topic)) throw invalidRequest(`${topic} is not a topic`);
  if (topic.startsWith('$') && !parseShadowTopic(topic)) throw invalidRequest(`${topic} is a reserved topic`);
  if (request.body.length > maxMessageBytes)
    throw new ApiError(413, 'RequestEntityTooLargeException', 'The payload exceeds the maximum size allowed');
  const answer = hub.receive({ topic, payload: request.body });
  void hub.forward({ topic, payload: request.body, qos, retain });
  void answer();
  return {};
};

const deleteConnection = (broker: Broker, request: ApiRequest): JsonObject => {
  const clientId = request.params['clientId'] ?? '';
  rejectQuery(request, ['cleanSession', 'preventWillMessage']);
  if (!/^[^$].{0,127}$/.test(clientId)) throw invalidRequest(`${clientId} is not a client id`);
  const asked = (flag: string) => request.query.get(flag) === 'true';
  const how = { cleanSession: asked('cleanSession'), preventWillMessage: asked('preventWillMessage') };
  if (!broker.disconnect(clientId, how)) throw resourceNotFound(`No connection of the client ${clientId}`);
  return {};
};

/** The operations of the AWS IoT data plane that the embedded stack has. Refusals over HTTP publish nothing. */
export const dataPlane = (parts: {
  hub: MessageHub;
  shadows: Shadows;
  broker: Broker;
  arns: Arns;
  now: () => Date;
}): ApiRoute[] => {
  const { hub, shadows, broker, arns, now } = parts;
  return [
    shadowRoute(hub, arns, 'GET', 'get'),
    shadowRoute(hub, arns, 'POST', 'update'),
    shadowRoute(hub, arns, 'DELETE', 'delete'),
    {
      method: 'GET',
      path: '/api/things/shadow/ListNamedShadowsForThing/{thingName}',
      ...guarded(arns, 'ListNamedShadowsForThing', 'thing', 'thingName'),
      handle: (request) => listNamedShadows(shadows, request, now),
    },
    {
      method: 'POST',
      path: '/topics/{topic+}',
      ...guarded(arns, 'Publish', 'topic', 'topic'),
      handle: (request) => publish(hub, request),
    },
    {
      method: 'DELETE',
      path: '/connections/{clientId}',
      ...guarded(arns, 'DeleteConnection', 'client', 'clientId'),
      handle: (request) => deleteConnection(broker, request),
    },
  ];
};
