import type { State } from '../state.ts';
import type { JsonObject } from './json.ts';
import { applyPatch, emptyContent, type ShadowContent } from './shadow-document.ts';
import * as messages from './shadow-messages.ts';
import { checkNames, readUpdate, ShadowError, type ShadowKey } from './shadow-request.ts';
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

/** How long the version number of a deleted shadow is remembered ("Device Shadow service data flow"). */
const tombstoneMs = 48 * 3600 * 1000;

const schema = `
CREATE TABLE IF NOT EXISTS iot_shadow (
  thing TEXT NOT NULL,
  name TEXT NOT NULL, -- empty for the classic shadow
  version INTEGER NOT NULL,
  content TEXT, -- null once deleted
  deleted_at INTEGER,
  PRIMARY KEY (thing, name)
) STRICT, WITHOUT ROWID`;

interface Row {
  version: number;
  content: string | null;
  deleted_at: number | null;
}

const notFound = ({ thing, shadow }: ShadowKey): ShadowError =>
  new ShadowError(
    404,
    `No shadow exists with name: '${shadow === undefined ? thing : `${thing}~${shadow}`}'`,
  );

/** Opens the shadows kept in `state`; `now` dates stamps and tombstones. */
export const openShadows = (state: State, now: () => Date): Shadows => {
  state.db.exec(schema);
  const select = state.db.prepare(
    'SELECT version, content, deleted_at FROM iot_shadow WHERE thing = ? AND name = ?',
  );
  const put = state.db.prepare('INSERT OR REPLACE INTO iot_shadow VALUES (?, ?, ?, ?, ?)');
  const names = state.db.prepare(
    `SELECT name FROM iot_shadow WHERE thing = ? AND name > ? AND content IS NOT NULL ORDER BY name LIMIT ?`,
  );
  const seconds = () => Math.floor(now().getTime() / 1000);

  const read = ({ thing, shadow }: ShadowKey): { shadow: messages.ShadowVersion | null; counter: number } => {
    const row = select.get(thing, shadow ?? '') as Row | undefined;
    if (!row) return { shadow: null, counter: 0 };
    if (row.content === null) {
      const forgotten = now().getTime() - (row.deleted_at ?? 0) >= tombstoneMs;
      return { shadow: null, counter: forgotten ? 0 : row.version };
    }
    const content = JSON.parse(row.content) as ShadowContent;
    return { shadow: { content, version: row.version }, counter: row.version };
  };

  const existing = (key: ShadowKey): messages.ShadowVersion => {
    checkNames(key);
    const { shadow } = read(key);
    if (!shadow) throw notFound(key);
    return shadow;
  };

  const answered = (key: ShadowKey, operation: string, answer: JsonObject): ShadowOutcome => ({
    answer,
    messages: [{ topic: `${shadowPrefix(key)}/${operation}/accepted`, payload: answer }],
  });

  const get = (key: ShadowKey, clientToken?: string): ShadowOutcome =>
    answered(key, 'get', messages.getAccepted(existing(key), seconds(), clientToken));

  const update = (key: ShadowKey, payload: Uint8Array): ShadowOutcome => {
    checkNames(key);
    const request = readUpdate(payload);
    const { shadow: previous, counter } = read(key);
    if (request.version !== undefined && request.version !== counter)
      throw new ShadowError(409, 'Version conflict');
    const at = seconds();
    const content = applyPatch(previous?.content ?? emptyContent, request.state, at);
    const current = { content, version: counter + 1 };
    put.run(key.thing, key.shadow ?? '', current.version, JSON.stringify(content), null);
    const outcome = answered(key, 'update', messages.updateAccepted(request, current.version, at));
    const delta = messages.deltaMessage(current, at, request.clientToken);
    const topic = `${shadowPrefix(key)}/update`;
    outcome.messages.push({
      topic: `${topic}/documents`,
      payload: messages.documents(previous, current, at, request.clientToken),
    });
    if (delta) outcome.messages.push({ topic: `${topic}/delta`, payload: delta });
    return outcome;
  };

  // The counter moves on a delete, so a shadow that comes back within 48 hours begins two above the version deleted.
  const remove = (key: ShadowKey, clientToken?: string): ShadowOutcome => {
    const { version } = existing(key);
    put.run(key.thing, key.shadow ?? '', version + 1, null, now().getTime());
    return answered(key, 'delete', messages.deleteAccepted(version, seconds(), clientToken));
  };

  return {
    get: (key, clientToken) => state.transaction(() => get(key, clientToken)),
    update: (key, payload) => state.transaction(() => update(key, payload)),
    delete: (key, clientToken) => state.transaction(() => remove(key, clientToken)),
    list: (thing, after, limit) => names.all(thing, after, limit).map((row) => row['name'] as string),
  };
};
