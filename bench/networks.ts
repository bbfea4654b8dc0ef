import { once } from 'node:events';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { formatIpv4, maskIpv4, parseIpv4 } from '../shared/domain/lists/addresses.ts';
import { readImportFile } from '../shared/domain/lists/import-file.ts';
import { valueOfKey } from '../shared/domain/lists/key-text.ts';
import { writeLines } from './list-files.ts';

/** Nobody in the list is at a loopback address, but for one network. */
export const listedLoopback = '127.77.0.0/16';

/** A million IPv4 addresses and networks in the order of a list, each once, with the loopback network among them. */
export const makeNetworks = async (path: string, lines: number): Promise<string[]> => {
  writeLines(path, 'ipv4', lines);
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 10_000_000 });
  for await (const piece of createReadStream(path)) reader.push(piece as Uint8Array);
  reader.push(Buffer.from(`\n${listedLoopback}\n`));
  const { keys } = reader.end().columns;
  return Array.from({ length: keys.count }, (_, index) => valueOfKey(keys, index)).filter(
    (value) => value === listedLoopback || !value.startsWith('127.'),
  );
};

/** Writes lines that are made one by one. */
export const writeAll = async (path: string, lines: Iterable<string>): Promise<void> => {
  const file = createWriteStream(path);
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < 1 << 20) continue;
    if (!file.write(piece)) await once(file, 'drain');
    piece = '';
  }
  file.end(piece);
  await finished(file);
};

/** Writes a file of that many networks, one a line. Answers how many there are. */
export const writeNetworks = async (file: string, lines: number): Promise<number> => {
  const values = await makeNetworks(`${file}.lines`, lines);
  rmSync(`${file}.lines`);
  await writeAll(
    file,
    values.map((value) => `${value}\n`),
  );
  return values.length;
};

/** The keys of access(5) that mean a network: Postfix looks for an address, then for its first three, two and one octets. */
export function* octetKeys(value: string): Generator<string> {
  const [text = '', prefixText = '32'] = value.split('/');
  const prefix = Number(prefixText);
  const octets = Math.max(1, Math.ceil(prefix / 8));
  const base = maskIpv4(parseIpv4(text) ?? 0, prefix);
  const step = 2 ** (32 - octets * 8);
  for (let index = 0; index < 2 ** (octets * 8 - prefix); index++)
    yield formatIpv4(base + index * step)
      .split('.')
      .slice(0, octets)
      .join('.');
}
