import { isActive, notActive } from '../../../shared/domain/access-lists.ts';
import { derivedFile } from '../../../shared/domain/derived.ts';
import type { Manifest } from '../../../shared/domain/lists/chunks.ts';
import { type ExportFormat, shortestLine, writings, written } from '../../../shared/domain/lists/export.ts';
import { exportAccessList as operation } from '../../../shared/operations/export-access-list.ts';
import { limits } from '../../../shared/tables.ts';
import { type Answer, type Call, httpStack } from '../../lib/http.ts';
import { isMade } from '../../stores/derived.ts';
import { readHead } from '../../stores/heads.ts';
import { eachChunk, readManifest } from '../../stores/lists.ts';
import { linkTo, pending } from './derived-answer.ts';

type Export = Call<typeof operation>;

/** The list as text, or null where it is longer than an answer may be; no more than that is read. */
const shortText = async (manifest: Manifest, format: ExportFormat): Promise<string | null> => {
  if (manifest.enabled * shortestLine > limits.exportBytes) return null;
  let text = '';
  let bytes = 0;
  for await (const piece of written(eachChunk(manifest.chunks), format)) {
    bytes += Buffer.byteLength(piece);
    if (bytes > limits.exportBytes) return null;
    text += piece;
  }
  return text;
};

const fileHeaders = ({ params, query }: Export) => ({
  'content-type': writings[query.format].contentType,
  'content-disposition': `attachment; filename="${params.scannerId}-${params.list}.${query.format}"`,
});

const made = async (root: string, file: string, now: Date): Promise<Answer> => {
  const body = await linkTo(root, file, now);
  return { status: 303, body, headers: { location: body.url } };
};

export const exportAccessList = httpStack(operation, async (call) => {
  const { params, query, now } = call;
  const { smtp, lists } = (await readHead(params.scannerId)).configuration;
  if (!isActive(smtp, params.list)) throw notActive(smtp, params.list);
  const { root } = lists[params.list];
  const name = `export-${query.format}` as const;
  if (await isMade(root, name)) return made(root, derivedFile(name), now);
  const text = await shortText(await readManifest(root), query.format);
  return text === null ? pending(root, name, now) : { status: 200, body: text, headers: fileHeaders(call) };
});
