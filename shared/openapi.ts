import * as z from 'zod/mini';
import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { type ErrorCode, errors } from './errors.ts';
import type { Example } from './examples/define.ts';
import { examples } from './examples/index.ts';
import { codeExamples, documentsByStatus, problemReferences } from './examples/problems.ts';
import {
  type AnswerHeader,
  answerHeaders,
  needsBody,
  type Operation,
  type Resource,
  resources,
} from './operations/define.ts';
import { operations } from './operations/index.ts';
import { gatewayRefusal, problemDocument } from './schemas/problem.ts';

const registry: readonly Operation[] = operations;
const exampleOf = ({ id }: Operation): Example | undefined =>
  (examples as Readonly<Record<string, Example>>)[id];

const headerTexts = {
  etag: [
    'ETag',
    'The revision, or the version of what has no revisions, in quotes: what If-Match takes. Not with dryRun.',
    '"17"',
  ],
  location: ['Location', 'Path of what was made.', '/v1/scanners/mx1'],
  'retry-after': ['Retry-After', 'Seconds after which to try again.', '2'],
  'x-request-id': [
    'X-Request-Id',
    'Names this request wherever it is spoken of: in the audit, in the log, in a problem document.',
    'b2a1c2f4-0b1e-4b3d-9a51-0d6a4f6f8a10',
  ],
} as const satisfies Record<AnswerHeader | 'retry-after' | 'x-request-id', readonly [string, string, string]>;

const headersOut = (names: readonly (keyof typeof headerTexts)[]) =>
  Object.fromEntries(
    names.map((header) => {
      const [name, description, example] = headerTexts[header];
      return [name, { description, schema: { type: 'string' as const }, example }];
    }),
  );

/** Statuses for which every operation answers the same codes, unless it adds one of its own: one component serves all. */
const shared = new Set([400, 413, 415, 429, 500, 503]);

const problemHeaders = (status: number) => {
  if (status === 412) return headersOut(['etag', 'x-request-id']);
  return headersOut(status === 429 || status === 503 ? ['retry-after', 'x-request-id'] : ['x-request-id']);
};

const problemResponse = (operation: Operation, status: number, codes: ErrorCode[]) => {
  const own = codes.some((code) => operation.errors.includes(code));
  return {
    ...(shared.has(status) && !own ? { id: `Problem${status}` } : {}),
    description: codes.map((code) => `${code}: ${errors[code].title}`).join('. '),
    headers: problemHeaders(status),
    content: {
      'application/problem+json': {
        schema: problemDocument,
        examples: problemReferences(operation, codes),
      },
    },
  };
};

type Responses = Record<string, ZodOpenApiResponseObject>;

/** The same object for the same component: zod-openapi refers to what it has seen. */
const components = new Map<string, ZodOpenApiResponseObject>();

const onceFor = (response: ZodOpenApiResponseObject): ZodOpenApiResponseObject => {
  if (response.id === undefined) return response;
  const known = components.get(response.id) ?? response;
  components.set(response.id, known);
  return known;
};

const problemResponses = (operation: Operation): Responses =>
  Object.fromEntries(
    [...documentsByStatus(operation)].map(([status, codes]) => [
      String(status),
      onceFor(problemResponse(operation, status, codes)),
    ]),
  );

const refusal = (id: string, description: string, message: string): ZodOpenApiResponseObject => ({
  id,
  description,
  content: { 'application/json': { schema: gatewayRefusal, example: { message } } },
});

const unauthorized = refusal('Unauthorized', 'The gateway does not know the access token', 'Unauthorized');
const forbidden = refusal('Forbidden', 'The access token lacks the scope', 'Forbidden');

const refusals = (operation: Operation): Responses =>
  operation.scope === null ? {} : { '401': unauthorized, '403': forbidden };

/** An answer may be a text, of which the types are its own. */
const textsOf = (operation: Operation, status: string) =>
  Object.fromEntries(
    (status === '200' ? (operation.textTypes ?? []) : []).map((type) => [
      type,
      { schema: z.string(), example: exampleOf(operation)?.texts?.[type] },
    ]),
  );

const answers = (operation: Operation): Responses =>
  Object.fromEntries(
    Object.entries(operation.returns).map(([status, schema]) => [
      status,
      {
        description: operation.summary,
        headers: headersOut([...answerHeaders(operation), 'x-request-id']),
        content: {
          'application/json': { schema, example: exampleOf(operation)?.returns[status] },
          ...textsOf(operation, status),
        },
      },
    ]),
  );

const headers = {
  'if-match': z.optional(z.string()).check(
    z.meta({
      description:
        'The revision or version that was read, in quotes, or *. Refused with 412 if the part being written changed since.',
      example: '"17"',
    }),
  ),
  'idempotency-key': z.optional(z.string().check(z.minLength(1), z.maxLength(255))).check(
    z.meta({
      description:
        'Names this request. Sent again under the same key within 24 hours, it does nothing and gets the same answer; another request under it is refused.',
      example: '5e0c3a52-7d0b-4c7e-9a51-0d6a4f6f8a10',
    }),
  ),
};

const headersOf = (operation: Operation) => ({
  ...(operation.ifMatch ? { 'if-match': headers['if-match'] } : {}),
  ...(operation.idempotencyKey ? { 'idempotency-key': headers['idempotency-key'] } : {}),
});

const parametersOf = (operation: Operation) => ({
  ...(operation.params ? { path: operation.params } : {}),
  ...(operation.query ? { query: operation.query } : {}),
  ...(operation.ifMatch || operation.idempotencyKey ? { header: z.object(headersOf(operation)) } : {}),
});

const bodyOf = (operation: Operation) => {
  const { body: schema, mediaTypes = ['application/json'] } = operation;
  if (!schema) return {};
  const media = { schema, example: exampleOf(operation)?.body };
  const content = Object.fromEntries(mediaTypes.map((type) => [type, media]));
  return { requestBody: { required: needsBody(operation), content } };
};

const operationObject = (operation: Operation): ZodOpenApiOperationObject => ({
  operationId: operation.id,
  summary: operation.summary,
  ...(operation.description ? { description: operation.description } : {}),
  tags: [operation.resource],
  security: operation.scope === null ? [] : [{ accessToken: [operation.scope] }],
  requestParams: parametersOf(operation),
  ...bodyOf(operation),
  responses: {
    ...answers(operation),
    ...refusals(operation),
    ...problemResponses(operation),
  },
});

const pathsOf = (): ZodOpenApiPathsObject => {
  const result: ZodOpenApiPathsObject = {};
  for (const operation of registry)
    result[operation.path] = {
      ...result[operation.path],
      [operation.method.toLowerCase()]: operationObject(operation),
    };
  return result;
};

const tags: Readonly<Record<Resource, string>> = {
  scanners: 'Scanners: registration, enrolment, and what each of them runs.',
  settings: 'SMTP settings of a Scanner.',
  lists: 'Access lists (who may connect) and host lists (where mail goes).',
  imports: 'Bulk changes of access lists from files.',
  history: 'Revisions of a configuration, their differences, and the audit of every write.',
  credentials:
    'What Scanners of the whole fleet share: certificates with their keys, client authorities, directory sources. No key and no password is ever answered.',
  rollouts:
    'Applying the configuration of one Scanner to many: in stages, with a halt on failures, and a way back.',
  meta: 'The API itself; open to everyone.',
};

/** The value of a parameter as its schema has it; over the wire it is text. */
const typed = (text: string, schema: oas31.SchemaObject): unknown =>
  schema.type === 'string' || schema.type === undefined ? text : JSON.parse(text);

/** Parameters say what their schema says; their example comes from outside of the schemas, so that it is in no bundle. */
const withParameters = (document: oas31.OpenAPIObject): oas31.OpenAPIObject => {
  for (const operation of registry) {
    const method = operation.method.toLowerCase() as 'get';
    const { params, query } = exampleOf(operation) ?? {};
    for (const parameter of document.paths?.[operation.path]?.[method]?.parameters ?? [])
      if ('name' in parameter) {
        const schema = parameter.schema as oas31.SchemaObject;
        const text = { ...params, ...query }[parameter.name];
        parameter.description ??= schema.description as string;
        parameter.example = text === undefined ? schema['example'] : typed(text, schema);
      }
  }
  return document;
};

/** The API as an OpenAPI 3.1 document, from the schemas that validate: bodies as they may come, answers as they go out. */
export const openApiDocument = () =>
  withParameters(
    createDocument({
      openapi: '3.1.0',
      info: {
        title: 'Scanner control plane',
        version: '1',
        description:
          'Settings and access lists of mail Scanners, and what each of them runs. Errors are problem documents (RFC 9457); what the gateway refuses has its own form. `If-Match` is refused (422) by every operation that does not name it, `If-None-Match` by every write; a read does not look at the latter.',
      },
      servers: [{ url: '/', description: 'Where this document was read from.' }],
      tags: resources.map((name) => ({ name, description: tags[name] })),
      paths: pathsOf(),
      components: {
        examples: codeExamples(),
        securitySchemes: {
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'An access token of the OIDC issuer that the stack was deployed with (RS256), whose `scope` holds the scope that the operation names.',
          },
        },
      },
    }) as oas31.OpenAPIObject,
  );
