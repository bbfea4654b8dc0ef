import { type CsvColumns, type CsvDelimiter, csvTokens } from './csv-tokens.ts';
import { type LineReader, plainTokens, type TokenReader, type TokenSink } from './plain-tokens.ts';

/** A header line is never longer; a longer first line is data. */
const longestHeader = 200;

const plainHeader = /^"?(?:domain|ip|address|prefix|network)"?$/i;
const separatorLine = /^sep=([,;\t])$/i;
const lineBreak = /\r\n|\n|\r/;

const columnNames = ['address', 'enabled', 'comment'] as const;

const unquote = (text: string) =>
  text
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .toLowerCase();

/** Columns of an export header (any case, quoted or not), or null for any other line. */
const headerColumns = (text: string, delimiter: CsvDelimiter): CsvColumns | null => {
  const names = text.split(delimiter).map(unquote);
  const known = names.every((name): name is CsvColumns[number] =>
    (columnNames as readonly string[]).includes(name),
  );
  return known && names[0] === 'address' && names.length > 1 && new Set(names).size === names.length
    ? names
    : null;
};

interface Form {
  reader: TokenReader | LineReader;
  /** What follows the lines that the header took. */
  rest: string;
  /** That the header names all columns, as an exported list's does. */
  isExport?: boolean;
}

const csvForm = (
  text: string,
  rest: string,
  line: number,
  sink: TokenSink,
  only?: CsvDelimiter,
): Form | null => {
  for (const delimiter of only ? [only] : ([',', ';', '\t'] as const)) {
    const columns = headerColumns(text, delimiter);
    if (!columns) continue;
    const reader = csvTokens(sink, { delimiter, columns, firstLine: line + 1 });
    return { reader, rest, isExport: columns.length === columnNames.length };
  }
  return null;
};

const isBlank = (text: string): boolean => /^[\r\n]*$/.test(text);

const splitLine = (text: string): [string, string] => {
  const found = lineBreak.exec(text);
  return found ? [text.slice(0, found.index), text.slice(found.index + found[0].length)] : [text, ''];
};

/** Chooses how a file is read by its first line, or its second behind a `sep=` line. */
const formOf = (text: string, sink: TokenSink): Form => {
  const [first, rest] = splitLine(text);
  const separator = separatorLine.exec(first)?.[1] as CsvDelimiter | undefined;
  if (separator) {
    const [second, after] = splitLine(rest);
    const form = csvForm(second, after, 2, sink, separator);
    return form ?? { reader: plainTokens(sink, 2), rest };
  }
  if (plainHeader.test(first.trim())) return { reader: plainTokens(sink, 2), rest };
  return csvForm(first, rest, 1, sink) ?? { reader: plainTokens(sink), rest: text };
};

/** True when the lines that decide the form are all there. A CR at the very end may be half of a line end. */
const decided = (text: string): boolean => {
  if (text.length > 2 * longestHeader) return true;
  const lines = text.replace(/\r$/, '').split(lineBreak);
  const needed = separatorLine.test(lines[0] ?? '') ? 3 : 2;
  return lines.length >= needed;
};

export interface FileTokens extends TokenReader {
  /** Once it is known that the file is plain text, its reader. */
  lines(): LineReader | null;
  /** Once it is known that the file is CSV. */
  isCsv(): boolean;
  /** At the end: that the file is the header of an export, with all its columns, and nothing more. It says that a list is empty. */
  isBareHeader(): boolean;
}

/**
 * The tokens of an import file (DESIGN 4): plain text, or CSV when its first line is the export header. The same tokens come out
 * whatever the pieces the text comes in.
 */
export const fileTokens = (sink: TokenSink): FileTokens => {
  let held = '';
  let reader: Form['reader'] | null = null;
  let isBareHeader = false;

  const begin = (): Form['reader'] => {
    const form = formOf(held, sink);
    held = '';
    isBareHeader = form.isExport === true && isBlank(form.rest);
    form.reader.push(form.rest);
    return form.reader;
  };

  return {
    push(text) {
      if (reader) {
        isBareHeader &&= isBlank(text);
        return reader.push(text);
      }
      held += text;
      if (decided(held)) reader = begin();
    },
    lines: () => (reader && 'passLines' in reader ? reader : null),
    isCsv: () => reader !== null && !('passLines' in reader),
    isBareHeader: () => isBareHeader,
    end() {
      reader ??= begin();
      reader.end();
    },
  };
};
