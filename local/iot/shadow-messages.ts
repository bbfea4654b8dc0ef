import type { Json, JsonObject } from './json.ts';
import { deltaOf, type ShadowContent, stamp } from './shadow-document.ts';
import { type ShadowError, type ShadowUpdate, sectionNames } from './shadow-request.ts';

/** A message that the service publishes: a JSON document on a topic. */
export interface ServiceMessage {
  topic: string;
  payload: JsonObject;
}

/** A shadow at one version. */
export interface ShadowVersion {
  content: ShadowContent;
  version: number;
}

const withToken = (payload: JsonObject, clientToken: string | undefined): JsonObject =>
  clientToken === undefined ? payload : { ...payload, clientToken };

const json = (value: object): JsonObject => value as JsonObject;

/** Answer to an update: only what was sent, with the stamps that it got. */
export const updateAccepted = (update: ShadowUpdate, version: number, at: number): JsonObject => {
  const state = update.state as Json;
  const metadata = stamp(state, at);
  return withToken({ state, metadata, version, timestamp: at }, update.clientToken);
};

/** Answer to a get: the whole shadow and, while something differs, the delta; `metadata` has no delta. */
export const getAccepted = (shadow: ShadowVersion, at: number, clientToken?: string): JsonObject => {
  const delta = deltaOf(shadow.content);
  const state = { ...sectionsOf(shadow.content.state), ...(delta && { delta: delta.state }) };
  const payload = {
    state,
    metadata: sectionsOf(shadow.content.metadata),
    version: shadow.version,
    timestamp: at,
  };
  return withToken(payload, clientToken);
};

const sectionsOf = (sections: ShadowContent['state']): JsonObject =>
  Object.fromEntries(
    sectionNames.flatMap((name): [string, JsonObject][] => {
      const section = sections[name];
      return section === undefined ? [] : [[name, section]];
    }),
  );

const documentOf = ({ content, version }: ShadowVersion): JsonObject =>
  json({ state: sectionsOf(content.state), metadata: sectionsOf(content.metadata), version });

/** What `update/documents` says: the shadow before (null when there was none) and after. */
export const documents = (
  previous: ShadowVersion | null,
  current: ShadowVersion,
  at: number,
  clientToken?: string,
): JsonObject =>
  withToken(
    { previous: previous && documentOf(previous), current: documentOf(current), timestamp: at },
    clientToken,
  );

/** What `update/delta` says: every difference that is left; null when there is none. */
export const deltaMessage = (shadow: ShadowVersion, at: number, clientToken?: string): JsonObject | null => {
  const delta = deltaOf(shadow.content);
  return delta ? withToken({ version: shadow.version, timestamp: at, ...delta }, clientToken) : null;
};

/** Answer to a delete: the version that was deleted. */
export const deleteAccepted = (version: number, at: number, clientToken?: string): JsonObject =>
  withToken({ version, timestamp: at }, clientToken);

/** What a `rejected` topic says. */
export const rejected = (error: ShadowError, at: number, clientToken?: string): JsonObject =>
  withToken({ code: error.code, message: error.message, timestamp: at }, clientToken);
