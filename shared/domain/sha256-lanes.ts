import { blockBytes, laneCapacity, layout, roundConstants, sha256Code } from './sha256-code.ts';

/** As much of WebAssembly as is used here; the types of the platform have none. */
declare const WebAssembly: {
  validate(code: Uint8Array<ArrayBuffer>): boolean;
  Module: new (code: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { exports: unknown };
};

interface Exports {
  memory: { buffer: ArrayBuffer };
  digest(from: number, to: number): void;
}

/** A message of one block has at most this many bytes. */
export const longestMessage = 55;

/** Computes the first 8 bytes of the sha-256 of up to `capacity` short messages at once. */
export interface Lanes {
  capacity: number;
  /** The block of message `n` begins at `n` times 64. A message is written there, then `finish` is called. */
  blocks: Uint8Array;
  /** Ends message `n`, which has `length` bytes: 55 at most. */
  finish(n: number, length: number): void;
  /** Digests the first `count` messages into these arrays from `at` on: bytes 0 to 3 and 4 to 7, as numbers. The blocks are zero then. */
  digest(count: number, highs: Uint32Array, lows: Uint32Array, at: number): void;
}

const instantiate = (): Exports | null => {
  if (typeof WebAssembly === 'undefined') return null;
  const code = sha256Code();
  if (!WebAssembly.validate(code)) return null;
  return new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Exports;
};

const make = (): Lanes | null => {
  const exports = instantiate();
  if (!exports) return null;
  const { buffer } = exports.memory;
  const blocks = new Uint8Array(buffer, 0, laneCapacity * blockBytes);
  const allHighs = new Uint32Array(buffer, layout.highsAt, laneCapacity);
  const allLows = new Uint32Array(buffer, layout.lowsAt, laneCapacity);
  new Uint32Array(buffer, layout.constantsAt, 64).set(roundConstants());
  return {
    capacity: laneCapacity,
    blocks,
    finish(n, length) {
      const at = n * blockBytes;
      blocks[at + length] = 0x80;
      blocks[at + 62] = length >> 5;
      blocks[at + 63] = length << 3;
    },
    digest(count, highs, lows, at) {
      exports.digest(0, Math.ceil(count / 4) * 4 * blockBytes);
      highs.set(allHighs.subarray(0, count), at);
      lows.set(allLows.subarray(0, count), at);
    },
  };
};

let made: Lanes | null | undefined;

/** The one of this process; null on a platform without vectors in WebAssembly. */
export const sha256Lanes = (): Lanes | null => {
  made = made === undefined ? make() : made;
  return made;
};
