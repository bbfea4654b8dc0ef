import type { AccessEntry } from '../../schemas/lists.ts';
import { inert } from './csv-inert.ts';

export const exportFormats = ['txt', 'csv', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** How a list is written out: what stands before and after its entries, and the text of each. */
interface Writing {
  contentType: string;
  head: string;
  entry(entry: AccessEntry, isFirst: boolean): string;
  tail(isEmpty: boolean): string;
}

/** Bytes that an enabled entry takes at least, in whatever format: `a.b` and a line end. */
export const shortestLine = 4;

/** RFC 4180; always quoted, so that whatever a person wrote is one field. */
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const csvLine = ({ value, enabled, comment }: AccessEntry): string =>
  `${value},${enabled},${comment ? quoted(inert(comment)) : ''}\r\n`;

/**
 * `txt`: the values of enabled entries, one a line. `csv`: everything, with the header that makes an import read it as CSV, and inert
 * in a spreadsheet. `json`: an array of entries, one a line.
 */
export const writings: Record<ExportFormat, Writing> = {
  txt: {
    contentType: 'text/plain; charset=utf-8',
    head: '',
    entry: ({ value, enabled }) => (enabled ? `${value}\n` : ''),
    tail: () => '',
  },
  csv: {
    contentType: 'text/csv; charset=utf-8',
    head: 'address,enabled,comment\r\n',
    entry: csvLine,
    tail: () => '',
  },
  json: {
    contentType: 'application/json',
    head: '[',
    entry: (entry, isFirst) => `${isFirst ? '\n' : ',\n'}${JSON.stringify(entry)}`,
    tail: (isEmpty) => (isEmpty ? ']\n' : '\n]\n'),
  },
};

/** A list written out, in pieces: one for each group of entries that comes in, and what stands around them. */
export async function* written(
  groups: AsyncIterable<readonly AccessEntry[]>,
  format: ExportFormat,
): AsyncGenerator<string> {
  const { head, entry, tail } = writings[format];
  let isFirst = true;
  yield head;
  for await (const group of groups) {
    let text = '';
    for (const one of group) {
      text += entry(one, isFirst);
      isFirst = false;
    }
    yield text;
  }
  yield tail(isFirst);
}
