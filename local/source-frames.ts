import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where a position of the bundle comes from; null where the map does not know. */
const originOf = (map: SourceMap, folder: string, line: number, column: number): string | null => {
  const origin = map.findOrigin(line, column);
  if (!('fileName' in origin)) return null;
  const file = pathToFileURL(resolve(folder, origin.fileName)).href;
  return `${file}:${origin.lineNumber}:${origin.columnNumber}`;
};

/**
 * Has stacks of errors name the sources of a bundle, by the map beside it, in this thread. The map is read when the first stack is: a
 * function that throws nothing pays nothing.
 */
export const nameSources = (entry: string): void => {
  if (!existsSync(`${entry}.map`)) return;
  let map: SourceMap | undefined;
  const read = () => new SourceMap(JSON.parse(readFileSync(`${entry}.map`, 'utf8')) as SourceMapPayload);

  const frame = (site: NodeJS.CallSite): string => {
    const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
    if (!file?.startsWith('file:') || fileURLToPath(file) !== entry || line === null || column === null)
      return String(site);
    map ??= read();
    return originOf(map, dirname(entry), line, column) ?? String(site);
  };

  Error.prepareStackTrace = (error, sites) =>
    [Error.prototype.toString.call(error), ...sites.map((site) => `    at ${frame(site)}`)].join('\n');
};
