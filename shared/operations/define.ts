import type * as z from 'zod/mini';
import type { ErrorCode } from '../errors.ts';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Scopes of an access token, in Cognito's form: resource server and name. */
export const scopes = ['scanners/read', 'scanners/write', 'fleet/admin'] as const;
export type Scope = (typeof scopes)[number];

/** Which function runs an operation: one function, and one role, a resource group. */
export const resources = [
  'scanners',
  'settings',
  'lists',
  'imports',
  'history',
  'credentials',
  'rollouts',
  'meta',
] as const;
export type Resource = (typeof resources)[number];

/**
 * One operation of the API, as data: CDK routes, validation, the embedded gateway, OpenAPI and the client all come
 * from it. It imports schemas only, never a handler.
 */
export interface Operation {
  /** Also the file name, the handler's file name, the OpenAPI operationId and the metric dimension. */
  readonly id: string;
  readonly method: HttpMethod;
  readonly path: `/v1/${string}`;
  readonly resource: Resource;
  /** null: open to everyone. */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodMiniObject;
  readonly query?: z.ZodMiniObject;
  /** Where the schema is optional, a request without a body is one, whatever its content type. */
  readonly body?: z.ZodMiniType;
  /** Content types taken for the body; JSON unless told. */
  readonly mediaTypes?: readonly string[];
  /** Takes `If-Match: "<revision>"`. */
  readonly ifMatch?: boolean;
  /** Takes an `Idempotency-Key`: sent again under the same key, the request does nothing and gets the same answer. */
  readonly idempotencyKey?: boolean;
  /** Content types under which a 200 may be text, besides JSON. */
  readonly textTypes?: readonly string[];
  readonly returns: Readonly<Record<number, z.ZodMiniType>>;
  /** Headers that its success carries; unless told, `ETag` where `If-Match` is taken. What deletes a thing for good has none to tell. */
  readonly headers?: readonly AnswerHeader[];
  /** Codes of its own; those that every operation may answer are added where they are needed. */
  readonly errors: readonly ErrorCode[];
  /** Codes that may stand inside `errors` of a VALIDATION_FAILED, beyond those that any request may get. */
  readonly problems?: readonly ErrorCode[];
}

/** Headers of a success that a client relies on. */
export type AnswerHeader = 'etag' | 'location';

/** True for what is refused of a Scanner that is decommissioned: everything that writes below its path. */
const changesScanner = ({ method, path }: Operation): boolean =>
  method !== 'GET' && /^\/v1\/scanners\/\{scannerId\}/.test(path) && !isScannerItself(method, path);

/** Decommissioning what is decommissioned changes nothing, and is no conflict. */
const isScannerItself = (method: HttpMethod, path: string): boolean =>
  method === 'DELETE' && path === '/v1/scanners/{scannerId}';

const always = ['THROTTLED', 'UNAVAILABLE', 'STORED_FORMAT', 'INTERNAL'] as const;

/** Codes that any operation with that trait may answer. */
export const commonErrors = (operation: Operation): ErrorCode[] => [
  ...new Set([
    // Also where nothing is taken: an If-Match is refused there.
    'VALIDATION_FAILED',
    ...(operation.body ? (['MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE', 'PAYLOAD_TOO_LARGE'] as const) : []),
    ...(operation.ifMatch ? (['REVISION_CONFLICT'] as const) : []),
    ...(changesScanner(operation) ? (['SCANNER_DECOMMISSIONED'] as const) : []),
    ...(operation.idempotencyKey ? (['IDEMPOTENCY_KEY_REUSED'] as const) : []),
    ...always,
  ] as const),
];

/** Codes that may stand inside `errors` for any operation with that trait: what schemas and headers are refused for. */
export const commonProblems = (operation: Operation): ErrorCode[] => {
  const { params, query, body, ifMatch } = operation;
  const ofSchemas = params || query || body;
  const namesScanner = [params, query].some((part) => part && 'scannerId' in part.shape);
  return [
    ...(ofSchemas ? (['UNKNOWN_FIELD', 'REQUIRED', 'TYPE_INVALID'] as const) : []),
    'VALUE_INVALID',
    ...(namesScanner ? (['SCANNER_ID_INVALID'] as const) : []),
    ...(ifMatch ? (['IF_MATCH_INVALID'] as const) : []),
  ];
};

/** Every code that a problem document of the operation may have. */
export const documentCodes = (operation: Operation): ErrorCode[] => [
  ...operation.errors,
  ...commonErrors(operation),
];

/** Every code that may stand inside `errors` of the operation's problem documents. */
export const problemCodes = (operation: Operation): ErrorCode[] => [
  ...commonProblems(operation),
  ...(operation.problems ?? []),
];

/** True where a request to the operation must have a body. */
export const needsBody = ({ body }: Operation): boolean =>
  body !== undefined && body._zod.def.type !== 'optional';

/** Headers that a success of the operation carries. */
export const answerHeaders = ({ headers, ifMatch }: Operation): readonly AnswerHeader[] =>
  headers ?? (ifMatch ? ['etag'] : []);

/** Keeps the literal types of an entry, which the typed client reads. */
export const defineOperation = <const T extends Operation>(operation: T): T => operation;

/** `PUT /v1/scanners/{scannerId}/smtp`, as API Gateway names a route. */
export const routeKey = (operation: Pick<Operation, 'method' | 'path'>): string =>
  `${operation.method} ${operation.path}`;
