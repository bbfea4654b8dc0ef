import { asWritten } from './csv-inert.ts';
import type { Place, TokenReader, TokenSink } from './plain-tokens.ts';

/** More of a field than this is not kept: enough to see that it is too long. */
const keptOfField = 1000;
/** Fields beyond the columns that are kept. */
const keptExtra = 8;

export type CsvDelimiter = ',' | ';' | '\t';

/** Columns of the export header, in the order of the file. */
export type CsvColumns = readonly ('address' | 'enabled' | 'comment')[];

interface Field {
  text: string;
  quoted: boolean;
  line: number;
  column: number;
}

const placeOf = ({ line, column }: Field): Place => ({ line, column });

/**
 * CSV (RFC 4180) with a known delimiter, after its header: a field may be in double quotes, a quote in it doubled, a line end in
 * it kept. Each row is one token, with the columns that the header named. Rows that are empty or begin with `#` are passed over.
 */
export const csvTokens = (
  sink: TokenSink,
  options: { delimiter: CsvDelimiter; columns: CsvColumns; firstLine: number },
): TokenReader => {
  let line = options.firstLine;
  let rowLine = line;
  let column = 0;
  let row: Field[] = [];
  let field: Field = { text: '', quoted: false, line, column: 1 };
  let inQuotes = false;
  let quoteSeen = false;
  let afterCr = false;

  const append = (character: string) => {
    if (field.text.length < keptOfField) field.text += character;
  };

  /** A row keeps its columns and a little of what is too much: enough to see that it is. */
  const endField = () => {
    if (row.length < options.columns.length + keptExtra) row.push(field);
    else if (field.text !== '') row[row.length - 1] = field;
    field = { text: '', quoted: false, line, column: column + 1 };
    quoteSeen = false;
    inQuotes = false;
  };

  const fieldOf = (name: CsvColumns[number]): Field | undefined => row[options.columns.indexOf(name)];

  const endRow = () => {
    endField();
    const address = fieldOf('address');
    const text = address?.text.trim() ?? '';
    const extra =
      row.length > options.columns.length ? row.slice(options.columns.length).map((more) => more.text) : [];
    if (text !== '' && !text.startsWith('#')) {
      const [enabledField, commentField] = [fieldOf('enabled'), fieldOf('comment')];
      const [enabled, comment] = [enabledField?.text, commentField?.text];
      sink.token({
        text: extra.some((more) => more !== '')
          ? `${text}${options.delimiter}${extra.join(options.delimiter)}`
          : text,
        line: rowLine,
        column: address?.column ?? 1,
        ...(enabled === undefined ? {} : { enabled }),
        ...(comment === undefined ? {} : { comment: asWritten(comment) }),
        places: {
          ...(enabledField ? { enabled: placeOf(enabledField) } : {}),
          ...(commentField ? { comment: placeOf(commentField) } : {}),
        },
      });
    }
    sink.lineEnd();
    row = [];
  };

  const newLine = () => {
    line += 1;
    column = 0;
  };

  const lineBreak = (character: string) => {
    const follows = afterCr && character === '\n';
    afterCr = character === '\r';
    if (inQuotes && !quoteSeen) {
      append(character);
      if (!follows) newLine();
      return;
    }
    if (follows) {
      column = 0;
      field.column = 1;
      return;
    }
    endRow();
    newLine();
    rowLine = line;
    field.line = line;
    field.column = 1;
  };

  const quote = () => {
    if (!inQuotes && field.text === '' && !field.quoted) {
      inQuotes = true;
      field.quoted = true;
    } else if (inQuotes && quoteSeen) {
      append('"');
      quoteSeen = false;
    } else if (inQuotes) quoteSeen = true;
    else append('"');
  };

  const step = (character: string) => {
    if (character === '\n' || character === '\r') return lineBreak(character);
    afterCr = false;
    column += 1;
    if (character === '"') return quote();
    if (character === options.delimiter && (!inQuotes || quoteSeen)) return endField();
    if (quoteSeen) inQuotes = false;
    quoteSeen = false;
    append(character);
  };

  return {
    push(text) {
      for (const character of text) step(character);
    },
    end() {
      if (row.length > 0 || field.text !== '' || field.quoted) endRow();
      else sink.lineEnd();
    },
  };
};
