import type { State } from '../state.ts';
import type { JsonObject } from './json.ts';
import { applyPatch, emptyContent } from './shadow-document.ts';
import * as messages from './shadow-messages.ts';
import { checkNames, readUpdate, ShadowError, type ShadowKey } from './shadow-request.ts';
import { openShadowStore } from './shadow-store.ts';
import { shadowPrefix } from './shadow-topics.ts';

/** What a request gave: its answer, and all messages that it causes, the answer's own among them. */
export interface ShadowOutcome {
  answer: JsonObject;
  messages: messages.ServiceMessage[];
}

/** The shadows of all things. Each call is one transaction, or part of the one that it is made in. */
export interface Shadows {
  /** @throws ShadowError 404 when there is no such shadow. */
  get(key: ShadowKey, clientToken?: string): ShadowOutcome;
  /** @throws ShadowError 400, 409, 413 or 415; nothing is changed then. */
  update(key: ShadowKey, payload: Uint8Array): ShadowOutcome;
  /** @throws ShadowError 404 when there is no such shadow. */
  delete(key: ShadowKey, clientToken?: string): ShadowOutcome;
  /** Names of a thing's named shadows in order, those after `after`; an unknown thing has none. */
  list(thing: string, after: string, limit: number): string[];
}

const notFound = ({ thing, shadow }: ShadowKey): ShadowError =>
  new ShadowError(
    404,
    `No shadow exists with name: '${shadow === undefined ? thing : `${thing}~${shadow}`}'`,
  );

const answered = (key: ShadowKey, operation: string, answer: JsonObject): ShadowOutcome => ({
  answer,
  messages: [{ topic: `${shadowPrefix(key)}/${operation}/accepted`, payload: answer }],
});

/** Opens the shadows kept in `state`; `now` dates stamps and tombstones. */
export const openShadows = (state: State, now: () => Date): Shadows => {
  const store = openShadowStore(state, now);
  const seconds = () => Math.floor(now().getTime() / 1000);

  const existing = (key: ShadowKey): messages.ShadowVersion => {
    checkNames(key);
    const { shadow } = store.read(key);
    if (!shadow) throw notFound(key);
    return shadow;
  };

  const update = (key: ShadowKey, payload: Uint8Array): ShadowOutcome => {
    checkNames(key);
    const request = readUpdate(payload);
    const { shadow: previous, counter } = store.read(key);
    if (request.version !== undefined && request.version !== counter)
      throw new ShadowError(409, 'Version conflict');
    const at = seconds();
    const content = applyPatch(previous?.content ?? emptyContent, request.state, at);
    const current = { content, version: counter + 1 };
    store.put(key, current);
    const outcome = answered(key, 'update', messages.updateAccepted(request, current.version, at));
    const { clientToken } = request;
    outcome.messages.push(...messages.updateTold(key, previous, current, at, clientToken));
    return outcome;
  };

  // The counter moves on a delete, so a shadow that comes back within 48 hours begins two above the version deleted.
  const remove = (key: ShadowKey, clientToken?: string): ShadowOutcome => {
    const { version } = existing(key);
    store.bury(key, version + 1);
    return answered(key, 'delete', messages.deleteAccepted(version, seconds(), clientToken));
  };

  return {
    get: (key, clientToken) =>
      state.transaction(() =>
        answered(key, 'get', messages.getAccepted(existing(key), seconds(), clientToken)),
      ),
    update: (key, payload) => state.transaction(() => update(key, payload)),
    delete: (key, clientToken) => state.transaction(() => remove(key, clientToken)),
    list: store.names,
  };
};
