import { open } from 'node:fs/promises';

/** The end of a text file: what comes after `from` bytes, and of that at most the last `most`. Of a file that is shorter than `from`, as one that was begun anew, all counts. */
export const readEnd = async (path: string, most: number, from = 0): Promise<string> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(size < from ? 0 : from, size - most);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};
