import { isObject, type Json, type JsonObject, member } from './json.ts';

/** Why the shadow service refuses a request: the numeric code and the text of its `rejected` message. */
export class ShadowError extends Error {
  override readonly name = 'ShadowError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type SectionName = 'desired' | 'reported';
export const sectionNames = ['desired', 'reported'] as const satisfies SectionName[];

/** The sections that an update carries; `null` drops the section. */
export type StatePatch = Partial<Record<SectionName, JsonObject | null>>;

/** A well-formed update request. `state: null` drops both sections. */
export interface ShadowUpdate {
  state: StatePatch | null;
  version?: number;
  clientToken?: string;
}

/** Which shadow of which thing; `shadow` is absent for the classic one. */
export interface ShadowKey {
  thing: string;
  shadow?: string;
}

/** Most levels below a section; the error text of the service says 6, another page of it says 8. */
const maxDepth = 6;
const maxTokenBytes = 64;

/** Name rules of the service model: things 1 to 128 characters, shadows 1 to 64. */
export const checkNames = (key: ShadowKey): void => {
  if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(key.thing)) throw new ShadowError(400, 'Invalid thing name');
  if (key.shadow !== undefined && !/^[$a-zA-Z0-9:_-]{1,64}$/.test(key.shadow))
    throw new ShadowError(400, 'Invalid shadow name');
};

const decodeText = (payload: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    throw new ShadowError(415, 'Unsupported documented encoding; supported encoding is UTF-8');
  }
};

const parseJson = (text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new ShadowError(400, 'Invalid JSON');
  }
};

const readToken = (body: JsonObject): string | undefined => {
  const token = member(body, 'clientToken');
  if (token === undefined) return undefined;
  if (typeof token !== 'string' || Buffer.byteLength(token) > maxTokenBytes)
    throw new ShadowError(400, 'Invalid clientToken');
  return token;
};

const readVersion = (body: JsonObject): number | undefined => {
  const version = member(body, 'version');
  if (version === undefined) return undefined;
  if (!Number.isSafeInteger(version) || (version as number) < 0)
    throw new ShadowError(400, 'Invalid version');
  return version as number;
};

// Empty objects and arrays add no level. Recursion stops at the limit, so that no document can exhaust the stack.
const deeperThan = (value: Json, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  const children = Object.values(value);
  if (children.length === 0) return false;
  return levels === 0 || children.some((child) => deeperThan(child, levels - 1));
};

const checkValues = (value: Json, inArray: boolean): void => {
  if (value === null && inArray) throw new ShadowError(400, 'Arrays cannot contain null values');
  if (typeof value === 'number' && !Number.isFinite(value)) throw new ShadowError(400, 'Invalid JSON');
  if (typeof value !== 'object' || value === null) return;
  const below = inArray || Array.isArray(value);
  for (const child of Object.values(value)) checkValues(child, below);
};

const readSection = (state: JsonObject, name: SectionName, label: string): JsonObject | null | undefined => {
  const section = member(state, name);
  if (section === undefined || section === null) return section;
  if (!isObject(section)) throw new ShadowError(400, `${label} node must be an object`);
  return section;
};

const readState = (body: JsonObject): StatePatch | null => {
  const state = member(body, 'state');
  if (state === undefined) throw new ShadowError(400, 'Missing required node: state');
  if (state === null) return null;
  if (!isObject(state)) throw new ShadowError(400, 'State node must be an object');
  const desired = readSection(state, 'desired', 'Desired');
  const reported = readSection(state, 'reported', 'Reported');
  if (Object.keys(state).some((key) => key !== 'desired' && key !== 'reported'))
    throw new ShadowError(400, 'State contains an invalid node');
  for (const section of [desired, reported]) checkSection(section);
  return { ...(desired !== undefined && { desired }), ...(reported !== undefined && { reported }) };
};

const checkSection = (section: JsonObject | null | undefined): void => {
  if (!section) return;
  if (deeperThan(section, maxDepth))
    throw new ShadowError(400, `JSON contains too many levels of nesting; maximum is ${maxDepth}`);
  checkValues(section, false);
};

/**
 * Reads the body of an update. Unknown members beside `state` are ignored.
 * @throws ShadowError with the codes and texts of "Device Shadow error messages" in the AWS IoT developer guide.
 */
export const readUpdate = (payload: Uint8Array): ShadowUpdate => {
  const body = parseJson(decodeText(payload));
  if (!isObject(body)) throw new ShadowError(400, 'Missing required node: state');
  const clientToken = readToken(body);
  const state = readState(body);
  const version = readVersion(body);
  return {
    state,
    ...(version !== undefined && { version }),
    ...(clientToken !== undefined && { clientToken }),
  };
};

/** Reads the body of a get: empty, or an object that may carry a `clientToken`. */
export const readGet = (payload: Uint8Array): string | undefined => {
  if (payload.length === 0) return undefined;
  const body = parseJson(decodeText(payload));
  return isObject(body) ? readToken(body) : undefined;
};

/** The client token of a body that may be anything, for a rejection or a delete to echo; absent if there is no valid one. */
export const tokenOf = (payload: Uint8Array): string | undefined => {
  try {
    return readGet(payload);
  } catch {
    return undefined;
  }
};
