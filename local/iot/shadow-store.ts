import type { State } from '../state.ts';
import type { ShadowContent } from './shadow-document.ts';
import type { ShadowVersion } from './shadow-messages.ts';
import type { ShadowKey } from './shadow-request.ts';

/** What is kept of a shadow: the shadow, unless it is deleted or never was, and where its versions count from. */
export interface StoredShadow {
  shadow: ShadowVersion | null;
  counter: number;
}

/** Shadow documents and the tombstones of deleted ones. */
export interface ShadowStore {
  read(key: ShadowKey): StoredShadow;
  put(key: ShadowKey, shadow: ShadowVersion): void;
  /** Deletes a shadow; `counter` is remembered for 48 hours. */
  bury(key: ShadowKey, counter: number): void;
  /** Names of a thing's named shadows in order, those after `after`. */
  names(thing: string, after: string, limit: number): string[];
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

const storedOf = (row: Row | undefined, now: number): StoredShadow => {
  if (!row) return { shadow: null, counter: 0 };
  if (row.content === null) {
    const forgotten = now - (row.deleted_at ?? 0) >= tombstoneMs;
    return { shadow: null, counter: forgotten ? 0 : row.version };
  }
  const content = JSON.parse(row.content) as ShadowContent;
  return { shadow: { content, version: row.version }, counter: row.version };
};

/** Opens the shadows kept in `state`. */
export const openShadowStore = (state: State, now: () => Date): ShadowStore => {
  state.db.exec(schema);
  const select = state.db.prepare(
    'SELECT version, content, deleted_at FROM iot_shadow WHERE thing = ? AND name = ?',
  );
  const write = state.db.prepare('INSERT OR REPLACE INTO iot_shadow VALUES (?, ?, ?, ?, ?)');
  const list = state.db.prepare(
    `SELECT name FROM iot_shadow WHERE thing = ? AND name > ? AND content IS NOT NULL ORDER BY name LIMIT ?`,
  );
  return {
    read: ({ thing, shadow }) =>
      storedOf(select.get(thing, shadow ?? '') as Row | undefined, now().getTime()),
    put: ({ thing, shadow }, { version, content }) => {
      write.run(thing, shadow ?? '', version, JSON.stringify(content), null);
    },
    bury: ({ thing, shadow }, counter) => {
      write.run(thing, shadow ?? '', counter, null, now().getTime());
    },
    names: (thing, after, limit) => list.all(thing, after, limit).map((row) => row['name'] as string),
  };
};
