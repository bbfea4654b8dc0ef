import type { State } from '../state.ts';
import { invalidRequest, notImplemented } from './api-error.ts';
import type { Arns } from './arns.ts';
import type { Authority } from './authority.ts';
import type { Broker } from './broker.ts';
import type { BrokerAccess } from './broker-access.ts';
import type { Certificates } from './certificates.ts';
import { type ApiRequest, queryNumber } from './http-api.ts';
import { isObject, type JsonObject } from './json.ts';
import type { ThingPrincipals } from './thing-principals.ts';
import type { ThingTypes } from './thing-types.ts';
import type { Things } from './things.ts';

/** What the operations of the control plane work on. */
export interface ControlPlaneParts {
  state: State;
  things: Things;
  types: ThingTypes;
  principals: ThingPrincipals;
  certificates: Certificates;
  authority: Authority;
  access: BrokerAccess;
  broker: Broker;
  arns: Arns;
}

/** One operation of the control plane. @throws ApiError */
export type Operation = (parts: ControlPlaneParts, request: ApiRequest) => JsonObject | Promise<JsonObject>;

/** A segment of the path. */
export const param = ({ params }: ApiRequest, name: string): string => params[name] ?? '';

/** A member that is a string if it is there. */
export const optionalText = (body: JsonObject, name: string): string | undefined => {
  const value = body[name];
  if (value !== undefined && typeof value !== 'string') throw invalidRequest(`${name} must be a string`);
  return value;
};

/** Refuses members that the embedded stack would have to ignore. */
export const rejectMembers = (body: JsonObject, names: string[]): void => {
  for (const name of names) if (body[name] !== undefined) throw notImplemented(name);
};

/** Attributes of CreateThing and UpdateThing. */
export const attributesOf = (body: JsonObject): { attributes?: Record<string, string>; merge: boolean } => {
  const payload = body['attributePayload'];
  if (payload === undefined) return { merge: false };
  const attributes = isObject(payload) ? (payload['attributes'] ?? {}) : null;
  if (
    !isObject(payload) ||
    !isObject(attributes) ||
    Object.values(attributes).some((v) => typeof v !== 'string')
  )
    throw invalidRequest('attributePayload must hold attributes, which are strings');
  return { attributes: attributes as Record<string, string>, merge: payload['merge'] === true };
};

/** A version that the caller expects, from a body or a query. */
export const expectedVersion = (value: unknown): number | undefined => {
  if (value === undefined || value === null) return undefined;
  const version = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(version)) throw invalidRequest('expectedVersion must be a whole number');
  return version as number;
};

const encodeToken = (name: string): string => Buffer.from(name).toString('base64url');
const decodeToken = (token: string | null): string => Buffer.from(token ?? '', 'base64url').toString();

/** The names of the query parameters that page a list. */
export interface Paging {
  token: string;
  size: string;
}

/** One page of what is listed in order of its names: `read` gives up to `limit` items after a name. */
export const pageOf = <T>(
  request: ApiRequest,
  { token, size }: Paging,
  read: (after: string, limit: number) => T[],
  nameOf: (item: T) => string,
): { items: T[]; next?: string } => {
  const limit = queryNumber(request, size, { min: 1, max: 250, fallback: 250 });
  const found = read(decodeToken(request.query.get(token)), limit + 1);
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, ...(last !== undefined && { next: encodeToken(nameOf(last)) }) };
};

/** One page of a list of names that is at hand. */
export const pageOfNames = (request: ApiRequest, paging: Paging, names: string[]) =>
  pageOf(
    request,
    paging,
    (after, limit) => names.filter((name) => name > after).slice(0, limit),
    (name) => name,
  );
