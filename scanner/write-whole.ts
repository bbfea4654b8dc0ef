import { rename, writeFile } from 'node:fs/promises';

/** Writes a file whole or not at all; the mode is there from its first byte. */
export const writeWhole = async (path: string, text: string, mode: number): Promise<void> => {
  await writeFile(`${path}.new`, text, { mode, flush: true });
  await rename(`${path}.new`, path);
};
