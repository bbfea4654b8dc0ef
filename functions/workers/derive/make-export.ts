import { type DerivedName, derivedFile } from '../../../shared/domain/derived.ts';
import { type ExportFormat, writings, written } from '../../../shared/domain/lists/export.ts';
import { derivedKey, putPieces } from '../../stores/derived.ts';
import { eachChunk, readManifest } from '../../stores/lists.ts';

/** Writes a whole list out as one object; memory is bounded whatever its size. */
export const makeExport = async (root: string, name: DerivedName, format: ExportFormat): Promise<void> => {
  const { chunks } = await readManifest(root);
  const file = derivedFile(name);
  const { contentType } = writings[format];
  await putPieces(derivedKey(root, file), written(eachChunk(chunks), format), {
    contentType,
    fileName: file,
  });
};
