import { AppError, type ErrorCode } from '../../errors.ts';
import type { ImportProblem } from '../../schemas/lists.ts';
import { ColumnStore, type Columns, changesOf, type Said } from './columns.ts';
import { type EntryProblem, isValidComment, mayOpenRelay, type ParsedEntry, parseEntry } from './entry.ts';
import { readPlainLines } from './fast-lines.ts';
import type { EntryChange } from './merge.ts';
import type { Place, Token } from './plain-tokens.ts';
import { textStream } from './text-stream.ts';
import { type FileTokens, fileTokens } from './tokens.ts';

export interface FileCounts {
  tokens: number;
  duplicates: number;
  normalized: number;
  invalid: number;
}

/** What a file says, all of it valid. */
export interface ParsedFile {
  /** Sorted, one a value; of duplicates the last wins. */
  columns: Columns;
  /** The same as objects, made anew each time. */
  readonly changes: EntryChange[];
  counts: FileCounts;
  /** The first 100; `onProblem` has had them all. */
  problems: ImportProblem[];
  problemsTotal: number;
}

export interface ImportFileOptions {
  /** Networks this wide are refused on the outbound list unless acknowledged. */
  refuseOpenRelay: boolean;
  /** Accepted tokens that share a line with a bad one are reported, too. */
  reportShared: boolean;
  maxEntries: number;
  onProblem?: (problem: ImportProblem) => void;
}

const keptProblems = 100;
const shownOfToken = 80;
/** Accepted tokens of one line that are remembered in case a bad one follows. */
const rememberedOfLine = 1000;

const escaped = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

/** What a terminal or a log would act on, and what a spreadsheet would take for a formula where it begins a cell. */
const active = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]|(?<=^|[\s,;"'|])[=+@-]/gu;

/** A token as it can be shown: cut, with everything escaped that a terminal, a log or a spreadsheet would act on. */
export const shownToken = (text: string): string => {
  const shown = text.length > shownOfToken ? `${text.slice(0, shownOfToken)}…` : text;
  return shown.toWellFormed().replace(active, escaped);
};

const booleans: Record<string, boolean> = {
  true: true,
  false: false,
  '1': true,
  '0': false,
  yes: true,
  no: false,
};

/** A valid token, and what its row says of it. */
interface Accepted extends Pick<ParsedEntry, 'value' | 'kind'> {
  said: Said;
}

const refusal = (code: ErrorCode, message: string): EntryProblem => ({ ok: false, code, message });

/** A bad token behind a semicolon is often a comment of another format. */
const hinted = (problem: EntryProblem, token: Token): EntryProblem =>
  token.afterSemicolon && problem.suggestion === undefined
    ? { ...problem, suggestion: 'a comment begins with #' }
    : problem;

/** What is wrong with a token, or with another column of its row. */
type TokenProblem = EntryProblem & { at?: Place & { text: string } };

/** Of a column, the problem is where that begins. */
const refusedColumn = (token: Token, column: 'enabled' | 'comment', problem: EntryProblem): TokenProblem => {
  const place = token.places?.[column];
  return place ? { ...problem, at: { ...place, text: token[column] ?? '' } } : problem;
};

/** The entry and attributes of a token, or what is wrong with it. */
const judge = (token: Token, options: ImportFileOptions): Accepted | TokenProblem => {
  const entry: ParsedEntry | EntryProblem = parseEntry(token.text);
  if (!entry.ok) return hinted(entry, token);
  if (options.refuseOpenRelay && mayOpenRelay(entry))
    return refusal(
      'OPEN_RELAY',
      'A network this wide may make an open relay. To take it, import with "open-relay" in acknowledge: of the request, or in the object metadata of a drop.',
    );
  const enabled = token.enabled === undefined ? undefined : booleans[token.enabled.trim().toLowerCase()];
  if (token.enabled !== undefined && enabled === undefined && token.enabled.trim() !== '')
    return refusedColumn(
      token,
      'enabled',
      refusal('VALUE_INVALID', 'The column "enabled" holds true or false.'),
    );
  if (token.comment !== undefined && !isValidComment(token.comment))
    return refusedColumn(
      token,
      'comment',
      refusal('COMMENT_INVALID', 'A comment has up to 255 characters and no control characters.'),
    );
  return {
    value: entry.value,
    kind: entry.kind,
    said: {
      ...(enabled === undefined ? {} : { enabled }),
      ...(token.comment === undefined ? {} : { comment: token.comment }),
    },
  };
};

const isProblem = (value: Accepted | TokenProblem): value is TokenProblem => 'code' in value;

/** Entries are sorted, and duplicates dropped, at the end, and whenever there are this many more, or twice as many, as the last time. */
const settleEvery = 4_000_000;

/** Gathers what the tokens of a file say. */
const collector = (options: ImportFileOptions) => {
  const columns = new ColumnStore();
  const counts: FileCounts = { tokens: 0, duplicates: 0, normalized: 0, invalid: 0 };
  const problems: ImportProblem[] = [];
  let problemsTotal = 0;
  let acceptedOnLine: Token[] = [];
  let badOnLine = false;
  let settleAt = settleEvery;

  const settle = () => {
    counts.duplicates += columns.settle();
    const { count } = columns.keys;
    if (count > options.maxEntries)
      throw new AppError('TOO_MANY_ENTRIES', `The file has more than ${options.maxEntries} entries.`);
    settleAt = count + Math.max(count, settleEvery);
  };

  const report = (token: Token, problem: Omit<TokenProblem, 'ok'>) => {
    const { code, message, suggestion } = problem;
    const { line, column, text } = problem.at ?? token;
    const whole = {
      line,
      column,
      token: shownToken(text),
      code,
      message,
      ...(suggestion ? { suggestion } : {}),
    };
    problemsTotal += 1;
    if (problems.length < keptProblems) problems.push(whole);
    options.onProblem?.(whole);
  };

  const reportShared = (token: Token) =>
    report(token, {
      code: 'SHARES_LINE_WITH_INVALID',
      message: 'Accepted, but another value on this line is bad.',
    });

  const refuse = (token: Token, problem: TokenProblem) => {
    counts.invalid += 1;
    report(token, problem);
    badOnLine = true;
    if (options.reportShared) for (const accepted of acceptedOnLine) reportShared(accepted);
    acceptedOnLine = [];
  };

  const accept = (token: Token, { said, ...entry }: Accepted) => {
    columns.append(entry, said);
    if (columns.keys.count >= settleAt) settle();
    if (entry.value !== token.text) counts.normalized += 1;
    if (!options.reportShared) return;
    if (badOnLine) reportShared(token);
    else if (acceptedOnLine.length < rememberedOfLine) acceptedOnLine.push(token);
  };

  return {
    token(token: Token) {
      counts.tokens += 1;
      const judged = judge(token, options);
      if (isProblem(judged)) refuse(token, judged);
      else accept(token, judged);
    },
    lineEnd() {
      acceptedOnLine = [];
      badOnLine = false;
    },
    /** Takes whole lines of entries in their one form; answers where others begin, and the number of lines taken. */
    plainLines(bytes: Uint8Array, from: number, to: number) {
      const before = columns.keys.count;
      const read = readPlainLines(bytes, from, to, columns.keys);
      counts.tokens += columns.keys.count - before;
      if (columns.keys.count >= settleAt) settle();
      return read;
    },
    counts: (): FileCounts => ({ ...counts }),
    result: (): ParsedFile => {
      settle();
      columns.trim();
      return {
        columns,
        get changes() {
          return changesOf(columns);
        },
        counts,
        problems,
        problemsTotal,
      };
    },
  };
};

const lf = 10;

/**
 * Reads plain text line by line: lines of entries in their one form from their bytes, all others by `slow`. Where a line begins is known for
 * sure only behind an LF that `slow` has read: the first line is always its.
 */
const lineByLine = (
  gathered: ReturnType<typeof collector>,
  tokens: FileTokens,
  slow: (bytes: Uint8Array) => void,
) => {
  let isLineStart = false;

  const plain = (bytes: Uint8Array, from: number, to: number): number => {
    const reader = isLineStart && from < to ? tokens.lines() : null;
    if (!reader) return from;
    const { at, lines } = gathered.plainLines(bytes, from, to);
    reader.passLines(lines);
    return at;
  };

  return (bytes: Uint8Array): void => {
    const whole = bytes.lastIndexOf(lf) + 1;
    for (let at = plain(bytes, 0, whole); at < bytes.length; at = plain(bytes, at, whole)) {
      const end = tokens.isCsv() || at >= whole ? bytes.length : bytes.indexOf(lf, at) + 1;
      slow(bytes.subarray(at, end));
      isLineStart = bytes[end - 1] === lf;
      at = end;
    }
  };
};

/**
 * Reads an import file from its bytes, in whatever pieces they come. Memory is bounded by the number of entries. A file
 * that is no list at all is refused with one code: FILE_NOT_UTF8, FILE_BINARY, FILE_COMPRESSED, FILE_EMPTY, TOO_MANY_ENTRIES. A file without
 * an entry is none, unless it is the exported CSV of an empty list: its whole header, and nothing more.
 */
export const readImportFile = (
  options: ImportFileOptions,
): { push(bytes: Uint8Array): void; end(): ParsedFile; counts(): FileCounts } => {
  const text = textStream();
  const gathered = collector(options);
  const tokens = fileTokens(gathered);
  return {
    push: lineByLine(gathered, tokens, (bytes) => tokens.push(text.push(bytes))),
    counts: gathered.counts,
    end() {
      tokens.push(text.end());
      tokens.end();
      const result = gathered.result();
      if (result.counts.tokens === 0 && !tokens.isBareHeader()) throw new AppError('FILE_EMPTY');
      return result;
    },
  };
};
