import * as z from 'zod/mini';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { type ErrorCode, errors, statusOfKind } from './errors.ts';
import { commonErrors, type Operation, scopes } from './operations/define.ts';
import { operations } from './operations/index.ts';
import { gatewayRefusal, problemDocument } from './schemas/problem.ts';

const byStatus = (codes: readonly ErrorCode[]): Map<number, ErrorCode[]> => {
  const grouped = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const status = statusOfKind[errors[code].kind];
    grouped.set(status, [...(grouped.get(status) ?? []), code]);
  }
  return grouped;
};

/** Statuses whose codes are the same wherever they occur: one component serves all operations. */
const shared = new Set([400, 413, 415, 429, 500, 503]);

const components = new Map<number, ZodOpenApiResponseObject>();

const problemResponse = (status: number, codes: ErrorCode[]): ZodOpenApiResponseObject => {
  const known = components.get(status);
  if (known) return known;
  const made = {
    ...(shared.has(status) ? { id: `Problem${status}` } : {}),
    description: codes.map((code) => `${code}: ${errors[code].title}`).join('. '),
    content: { 'application/problem+json': { schema: problemDocument } },
  };
  if (shared.has(status)) components.set(status, made);
  return made;
};

const problemResponses = (operation: Operation) =>
  Object.fromEntries(
    [...byStatus([...operation.errors, ...commonErrors(operation)])].map(([status, codes]) => [
      String(status),
      problemResponse(status, codes),
    ]),
  );

const refusal = (id: string, description: string): ZodOpenApiResponseObject => ({
  id,
  description,
  content: { 'application/json': { schema: gatewayRefusal } },
});

const unauthorized = refusal('Unauthorized', 'The gateway does not know the access token');
const forbidden = refusal('Forbidden', 'The access token lacks the scope');

const refusals = (operation: Operation): Record<string, ZodOpenApiResponseObject> =>
  operation.scope === null ? {} : { '401': unauthorized, '403': forbidden };

const textsOf = ({ textTypes = [] }: Operation, status: string) =>
  Object.fromEntries((status === '200' ? textTypes : []).map((type) => [type, { schema: z.string() }]));

const answers = (operation: Operation) =>
  Object.fromEntries(
    Object.entries(operation.returns).map(([status, schema]) => [
      status,
      {
        description: operation.summary,
        content: { 'application/json': { schema }, ...textsOf(operation, status) },
      },
    ]),
  );

const headers = {
  'if-match': z.optional(z.string()).check(
    z.meta({
      description:
        'The revision that was read, in quotes, or *. Refused with 412 if the part being written changed since.',
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

const bodyOf = ({ body, mediaTypes = ['application/json'] }: Operation) =>
  body
    ? {
        requestBody: {
          required: true,
          content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: body }])),
        },
      }
    : {};

const operationObject = (operation: Operation): ZodOpenApiOperationObject => ({
  operationId: operation.id,
  summary: operation.summary,
  ...(operation.description ? { description: operation.description } : {}),
  tags: [operation.resource],
  security: operation.scope === null ? [] : [{ accessToken: [operation.scope] }],
  requestParams: parametersOf(operation),
  ...bodyOf(operation),
  responses: { ...answers(operation), ...refusals(operation), ...problemResponses(operation) },
});

const paths = (): ZodOpenApiPathsObject => {
  const result: ZodOpenApiPathsObject = {};
  for (const operation of operations as readonly Operation[])
    result[operation.path] = {
      ...result[operation.path],
      [operation.method.toLowerCase()]: operationObject(operation),
    };
  return result;
};

/** The API as an OpenAPI 3.1 document, from the schemas that validate: bodies as they may come, answers as they go out. */
export const openApiDocument = () =>
  createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Scanner control plane',
      version: '1',
      description:
        'Settings and access lists of mail Scanners, and what each of them runs. Errors are problem documents (RFC 9457); what the gateway refuses has its own form.',
    },
    servers: [{ url: '/' }],
    paths: paths(),
    components: {
      securitySchemes: {
        accessToken: {
          type: 'oauth2',
          description: 'Client credentials at the issuer that the stack was deployed with.',
          flows: {
            clientCredentials: {
              tokenUrl: '/oauth2/token',
              scopes: Object.fromEntries(scopes.map((scope) => [scope, scope])),
            },
          },
        },
      },
    },
  });
