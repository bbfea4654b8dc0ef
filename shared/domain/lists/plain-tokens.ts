/** A token and where it begins: line and column from 1, the column in characters. */
/** A place in a file, from 1, in characters. */
export interface Place {
  line: number;
  column: number;
}

export interface Token {
  text: string;
  line: number;
  column: number;
  /** Plain text: a semicolon stands before it on its line. */
  afterSemicolon?: boolean;
  /** CSV columns that are present. */
  enabled?: string;
  comment?: string;
  /** Where those columns begin. */
  places?: { enabled?: Place; comment?: Place };
}

/** Reads tokens from text that comes in pieces. */
export interface TokenReader {
  push(text: string): void;
  end(): void;
}

/** A reader of plain text, of which another can read whole lines. */
export interface LineReader extends TokenReader {
  /** Lines that were read by another, from where this one stands: at the beginning of a line. */
  passLines(count: number): void;
}

export interface TokenSink {
  token(token: Token): void;
  /** After the last token of each line. */
  lineEnd(): void;
}

/** More of a token than this is not kept: enough to see that it is too long. */
const keptOfToken = 400;

const lf = 10;
const cr = 13;
const hash = 35;
const semicolonCode = 59;
const isDelimiter = (code: number) => code === 44 || code === semicolonCode || code === 32 || code === 9;

/** One pair of double quotes around a token is dropped (DESIGN 4). */
const unquoted = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;

/**
 * Plain text: tokens split by any run of comma, semicolon, space, tab, CR and LF; `#` at the start of a token is a
 * comment to the end of the line. Memory is bounded whatever the text.
 */
export const plainTokens = (sink: TokenSink, firstLine = 1): LineReader => {
  let line = firstLine;
  let column = 0;
  let begun = 0;
  let kept = '';
  let inComment = false;
  let afterCr = false;
  let semicolon = false;

  const finish = () => {
    const text = unquoted(kept);
    if (begun > 0 && text !== '')
      sink.token({ text, line, column: begun, ...(semicolon ? { afterSemicolon: true } : {}) });
    begun = 0;
    kept = '';
  };

  const newLine = () => {
    finish();
    sink.lineEnd();
    line += 1;
    column = 0;
    inComment = false;
    semicolon = false;
  };

  const delimiter = (code: number) => {
    finish();
    semicolon ||= code === semicolonCode && !inComment;
  };

  /** Handles one code unit outside a token's inside; true when it begins a token. */
  const begins = (code: number): boolean => {
    if (code === hash) inComment = true;
    else begun = column;
    return !inComment;
  };

  const step = (text: string, index: number, tokenStart: number): number => {
    const code = text.charCodeAt(index);
    const lowSurrogate = code >= 0xdc00 && code <= 0xdfff;
    if (!lowSurrogate) column += 1;
    const follows = afterCr && code === lf;
    afterCr = code === cr;
    if (code === lf || code === cr || isDelimiter(code)) {
      if (tokenStart >= 0) keep(text, tokenStart, index);
      if (isDelimiter(code)) delimiter(code);
      else if (follows) column = 0;
      else newLine();
      return -1;
    }
    if (inComment || begun > 0) return tokenStart;
    return begins(code) ? index : -1;
  };

  const keep = (text: string, from: number, to: number) => {
    if (kept.length < keptOfToken) kept += text.slice(from, Math.min(to, from + keptOfToken));
  };

  return {
    push(text) {
      let tokenStart = begun > 0 ? 0 : -1;
      for (let index = 0; index < text.length; index++) tokenStart = step(text, index, tokenStart);
      if (tokenStart >= 0) keep(text, tokenStart, text.length);
    },
    passLines(count) {
      line += count;
    },
    end() {
      finish();
      sink.lineEnd();
    },
  };
};
