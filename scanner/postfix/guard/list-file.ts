import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { parseEntry } from '../../../shared/domain/lists/entry.ts';
import { readPlainLines } from '../../../shared/domain/lists/fast-lines.ts';
import { appendEntry, compareKeys, KeyStore, type Keys } from '../../../shared/domain/lists/keys.ts';

/** A list's file is not what a version folder holds: entries in their one form and order, one a line. */
export class ListDamaged extends Error {
  override readonly name = 'ListDamaged';
}

/** Read and checked without a pause: a fraction of a millisecond's work. */
const pieceBytes = 32 * 1024;
const lf = 10;

/** A line that is not plain to see as an entry: the slow way knows all of them. */
const takeLine = (line: string, keys: KeyStore): void => {
  const entry = parseEntry(line);
  if (!entry.ok || entry.value !== line) throw new ListDamaged(`line ${keys.count + 1} is no entry`);
  appendEntry(keys, entry);
};

/** Takes whole lines, each of which is one entry. */
const takeLines = (bytes: Uint8Array, keys: KeyStore): void => {
  for (let at = 0; at < bytes.length; ) {
    at = readPlainLines(bytes, at, bytes.length, keys).at;
    if (at === bytes.length) return;
    const end = bytes.indexOf(lf, at);
    takeLine(Buffer.from(bytes.subarray(at, end)).toString('latin1'), keys);
    at = end + 1;
  }
};

const checkOrder = (keys: Keys, from: number): void => {
  for (let key = Math.max(1, from); key < keys.count; key++)
    if (compareKeys(keys, key - 1, keys, key) >= 0)
      throw new ListDamaged(`line ${key + 1} is not in the order of a list`);
};

const readKeys = async (path: string): Promise<Keys> => {
  const keys = new KeyStore();
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    const bytes = rest.length === 0 ? (piece as Uint8Array) : Buffer.concat([rest, piece as Uint8Array]);
    const whole = bytes.lastIndexOf(lf) + 1;
    const before = keys.count;
    takeLines(bytes.subarray(0, whole), keys);
    checkOrder(keys, before);
    rest = bytes.slice(whole);
    if (rest.length > pieceBytes) throw new ListDamaged('a line is longer than any entry');
    await turn();
  }
  if (rest.length > 0) throw new ListDamaged('the last line has no end');
  keys.trim();
  return keys;
};

/**
 * Reads lists in pieces, between which everybody else is answered; about 10 bytes are held of each IPv4 network. A file that several versions have
 * under different names (`version-folder.ts` links what has not changed) is held once, as long as somebody holds it.
 */
export const listReader = (): ((path: string) => Promise<Keys>) => {
  const held = new Map<string, WeakRef<Keys>>();
  return async (path) => {
    const { dev, ino, size, mtimeMs } = await stat(path);
    const file = [dev, ino, size, mtimeMs].join(':');
    for (const [name, keys] of held) if (keys.deref() === undefined) held.delete(name);
    const known = held.get(file)?.deref();
    if (known) return known;
    const keys = await readKeys(path);
    held.set(file, new WeakRef(keys));
    return keys;
  };
};
