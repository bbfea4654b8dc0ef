import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json, type JsonObject, member } from './json.ts';
import { type SectionName, ShadowError, type StatePatch, sectionNames } from './shadow-request.ts';

/** What a shadow holds: its sections and, in the same shape, when each leaf was last sent (Unix seconds). */
export interface ShadowContent {
  state: Partial<Record<SectionName, JsonObject>>;
  metadata: Partial<Record<SectionName, JsonObject>>;
}

export const emptyContent: ShadowContent = { state: {}, metadata: {} };

/** Bytes of `desired` and `reported` together, after the merge; metadata is free. */
const maxBytes = 8192;

const mergeValue = (base: Json | undefined, patch: Json): Json =>
  isObject(patch) ? mergeObject(isObject(base) ? base : {}, patch) : patch;

const mergeObject = (base: JsonObject, patch: JsonObject): JsonObject => {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergeValue(merged.get(key), value));
  }
  return Object.fromEntries(merged);
};

/**
 * The metadata of a value sent at `at`: a stamp for each leaf, element by element in arrays. In an
 * update's answer a null, which removes its key, has a stamp too.
 */
export const stamp = (value: Json, at: number): Json => {
  if (Array.isArray(value)) return value.map((element) => stamp(element, at));
  if (!isObject(value)) return { timestamp: at };
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, stamp(child, at)]));
};

// Metadata alone cannot tell a leaf from an object with a member `timestamp`, so the state it belongs to is walked along.
const stampObject = (metadata: JsonObject, state: JsonObject, patch: JsonObject, at: number): JsonObject => {
  const stamped = new Map(Object.entries(metadata));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) stamped.delete(key);
    else if (isObject(value)) {
      const was = member(state, key);
      const old = isObject(was) ? ((stamped.get(key) as JsonObject | undefined) ?? {}) : {};
      stamped.set(key, stampObject(old, isObject(was) ? was : {}, value, at));
    } else stamped.set(key, stamp(value, at));
  }
  return Object.fromEntries(stamped);
};

const bytes = (section: JsonObject | undefined): number =>
  section === undefined ? 0 : Buffer.byteLength(JSON.stringify(section));

const mergeSection = (content: ShadowContent, name: SectionName, patch: JsonObject, at: number) => {
  const state = content.state[name] ?? {};
  return {
    state: mergeObject(state, patch),
    metadata: stampObject(content.metadata[name] ?? {}, state, patch, at),
  };
};

/**
 * Merges an update into what the shadow holds: objects recursively, scalars and arrays whole, null removes.
 * A section that ends up empty disappears; an empty object inside a section stays. The arguments are not changed.
 * @throws ShadowError 413 when the merged sections are larger than 8 KB.
 */
export const applyPatch = (content: ShadowContent, patch: StatePatch | null, at: number): ShadowContent => {
  const next: ShadowContent = { state: {}, metadata: {} };
  if (patch === null) return next;
  for (const name of sectionNames) {
    const sent = patch[name];
    if (sent === null) continue;
    const merged = mergeSection(content, name, sent ?? {}, at);
    if (Object.keys(merged.state).length === 0) continue;
    next.state[name] = merged.state;
    next.metadata[name] = merged.metadata;
  }
  if (bytes(next.state.desired) + bytes(next.state.reported) > maxBytes)
    throw new ShadowError(413, 'The payload exceeds the maximum size allowed');
  return next;
};

const differs = (desired: Json, reported: Json | undefined): Json | undefined => {
  if (isObject(desired) && isObject(reported)) return deltaObject(desired, reported);
  return desired === reported || isDeepStrictEqual(desired, reported) ? undefined : desired;
};

const deltaObject = (desired: JsonObject, reported: JsonObject): JsonObject | undefined => {
  const entries = Object.entries(desired).flatMap(([key, value]): [string, Json][] => {
    const difference = differs(value, member(reported, key));
    return difference === undefined ? [] : [[key, difference]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
};

const project = (metadata: JsonObject, delta: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(delta).map(([key, value]) => {
      const stamps = member(metadata, key) ?? {};
      return [key, isObject(value) && isObject(stamps) ? project(stamps, value) : stamps];
    }),
  );

/** What `desired` says that `reported` does not, with the metadata of `desired`; absent when nothing differs. */
export const deltaOf = (content: ShadowContent): { state: JsonObject; metadata: JsonObject } | undefined => {
  const { desired, reported } = content.state;
  const state = desired && deltaObject(desired, reported ?? {});
  return state && { state, metadata: project(content.metadata.desired ?? {}, state) };
};
