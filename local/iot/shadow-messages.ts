import type { Json, JsonObject } from './json.ts';
import { deltaOf, type ShadowContent, stamp } from './shadow-document.ts';
import { type ShadowError, type ShadowKey, type ShadowUpdate, sectionNames } from './shadow-request.ts';
import { shadowPrefix } from './shadow-topics.ts';

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

const documentOf = ({ content, version }: ShadowVersion): JsonObject => ({
  state: sectionsOf(content.state),
  metadata: sectionsOf(content.metadata),
  version,
});

/**
 * What an update tells beside its answer: `update/documents`, the shadow before (null when there was none) and
 * after; and while anything differs `update/delta`, all of it.
 */
export const updateTold = (
  key: ShadowKey,
  previous: ShadowVersion | null,
  current: ShadowVersion,
  at: number,
  clientToken: string | undefined,
): ServiceMessage[] => {
  const topic = `${shadowPrefix(key)}/update`;
  const documents = {
    previous: previous && documentOf(previous),
    current: documentOf(current),
    timestamp: at,
  };
  const delta = deltaOf(current.content);
  const difference = delta && { version: current.version, timestamp: at, ...delta };
  return [
    { topic: `${topic}/documents`, payload: withToken(documents, clientToken) },
    ...(difference ? [{ topic: `${topic}/delta`, payload: withToken(difference, clientToken) }] : []),
  ];
};

/** Answer to a delete: the version that was deleted. */
export const deleteAccepted = (version: number, at: number, clientToken?: string): JsonObject =>
  withToken({ version, timestamp: at }, clientToken);

/** What a `rejected` topic says. */
export const rejected = (error: ShadowError, at: number, clientToken?: string): JsonObject =>
  withToken({ code: error.code, message: error.message, timestamp: at }, clientToken);
