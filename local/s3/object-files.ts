import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Files with the bytes of objects and parts. A file that is encrypted says so in its name, `<id>.<initial counter>`: AES-256 in counter
 * mode, with a random initial counter for each file, so that any byte can be read without those before it. One without that is as it
 * was written, by a bucket without encryption.
 */
export interface ObjectFiles {
  /** Writes bytes to a new file and answers its name. Nothing stays where the source fails. */
  write(bytes: AsyncIterable<Buffer>, encrypted: boolean): Promise<string>;
  /** Bytes of a file as they were given, from one to another, both included. The file is open when this returns, and may vanish then. */
  read(file: string, range?: { from: number; to: number }): AsyncIterable<Buffer>;
  discard(file: string): void;
}

const algorithm = 'aes-256-ctr';
const blockBytes = 16;

const newName = (encrypted: boolean): string =>
  encrypted ? `${randomUUID()}.${randomBytes(blockBytes).toString('hex')}` : randomUUID();

const counterOf = (file: string): string | undefined => file.split('.')[1];

export const isEncrypted = (file: string): boolean => counterOf(file) !== undefined;

/** The counter of a later block: a number of 16 bytes that begins again at 0. */
const advanced = (counter: string, blocks: number): Buffer => {
  const value = (BigInt(`0x${counter}`) + BigInt(blocks)) % (1n << 128n);
  return Buffer.from(value.toString(16).padStart(2 * blockBytes, '0'), 'hex');
};

interface StreamCipher {
  update(bytes: Buffer): Buffer;
}

const decipherFrom = (key: Buffer, counter: string, from: number): StreamCipher => {
  const decipher = createDecipheriv(algorithm, key, advanced(counter, Math.floor(from / blockBytes)));
  decipher.update(Buffer.alloc(from % blockBytes));
  return decipher;
};

/** In counter mode, as many bytes come out as went in. */
async function* through(bytes: AsyncIterable<Buffer>, cipher: StreamCipher): AsyncGenerator<Buffer> {
  for await (const piece of bytes) yield cipher.update(piece);
}

/** Opens the folder of objects, and sweeps from it what `isNamed` does not know. */
export const openObjectFiles = (
  folder: string,
  key: Buffer,
  isNamed: (file: string) => boolean,
): ObjectFiles => {
  mkdirSync(folder, { recursive: true });
  const path = (file: string) => join(folder, file);
  const discard = (file: string) => {
    if (file !== '') rmSync(path(file), { force: true });
  };
  for (const file of readdirSync(folder)) if (!isNamed(file)) discard(file);
  return {
    discard,
    async write(bytes, encrypted) {
      const file = newName(encrypted);
      const counter = counterOf(file);
      const cipher = counter && createCipheriv(algorithm, key, Buffer.from(counter, 'hex'));
      const target = createWriteStream(path(file));
      try {
        await pipeline(cipher ? through(bytes, cipher) : bytes, target);
        return file;
      } catch (error) {
        // Not `once` of node:events, which ends with the error of the stream and before it is closed.
        if (!target.closed) await new Promise<void>((resolve) => target.once('close', () => resolve()));
        discard(file);
        throw error;
      }
    },
    read(file, range) {
      const { from = 0, to } = range ?? {};
      const fd = openSync(path(file), 'r');
      const source: AsyncIterable<Buffer> = createReadStream('', { fd, start: from, end: to });
      const counter = counterOf(file);
      return counter === undefined ? source : through(source, decipherFrom(key, counter, from));
    },
  };
};
