import { AppError, type ErrorCode } from '../../errors.ts';
import type { ImportProblem } from '../../schemas/lists.ts';
import { type EntryProblem, isValidComment, mayOpenRelay, type ParsedEntry, parseEntry } from './entry.ts';
import type { EntryChange } from './merge.ts';
import { sortEntries } from './order.ts';
import type { Token } from './plain-tokens.ts';
import { textStream } from './text-stream.ts';
import { fileTokens } from './tokens.ts';

export interface FileCounts {
  tokens: number;
  duplicates: number;
  normalized: number;
  invalid: number;
}

/** What a file says, all of it valid. */
export interface ParsedFile {
  /** Sorted, one a value; of duplicates the last wins. */
  changes: EntryChange[];
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

const refusal = (code: ErrorCode, message: string): EntryProblem => ({ ok: false, code, message });

/** A bad token behind a semicolon is often a comment of another format. */
const hinted = (problem: EntryProblem, token: Token): EntryProblem =>
  token.afterSemicolon && problem.suggestion === undefined
    ? { ...problem, suggestion: 'a comment begins with #' }
    : problem;

/** The entry and attributes of a token, or what is wrong with it. */
const changeOf = (token: Token, options: ImportFileOptions): EntryChange | EntryProblem => {
  const entry: ParsedEntry | EntryProblem = parseEntry(token.text);
  if (!entry.ok) return hinted(entry, token);
  if (options.refuseOpenRelay && mayOpenRelay(entry))
    return refusal(
      'OPEN_RELAY',
      'A network this wide may make an open relay; acknowledge "open-relay" to take it.',
    );
  const enabled = token.enabled === undefined ? undefined : booleans[token.enabled.trim().toLowerCase()];
  if (token.enabled !== undefined && enabled === undefined && token.enabled.trim() !== '')
    return refusal('VALUE_INVALID', 'The column "enabled" holds true or false.');
  if (token.comment !== undefined && !isValidComment(token.comment))
    return refusal('COMMENT_INVALID', 'A comment has up to 255 characters and no control characters.');
  const { ok: _, ...parsed } = entry;
  return {
    ...parsed,
    ...(enabled === undefined ? {} : { enabled }),
    ...(token.comment === undefined ? {} : { comment: token.comment }),
  };
};

const isProblem = (value: EntryChange | EntryProblem): value is EntryProblem => 'code' in value;

/** Gathers what the tokens of a file say. */
const collector = (options: ImportFileOptions) => {
  const found = new Map<string, EntryChange>();
  const counts: FileCounts = { tokens: 0, duplicates: 0, normalized: 0, invalid: 0 };
  const problems: ImportProblem[] = [];
  let problemsTotal = 0;
  let acceptedOnLine: Token[] = [];
  let badOnLine = false;

  const report = (token: Token, problem: Omit<EntryProblem, 'ok'>) => {
    const { code, message, suggestion } = problem;
    const { line, column } = token;
    const whole = {
      line,
      column,
      token: shownToken(token.text),
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

  const refuse = (token: Token, problem: EntryProblem) => {
    counts.invalid += 1;
    report(token, problem);
    badOnLine = true;
    if (options.reportShared) for (const accepted of acceptedOnLine) reportShared(accepted);
    acceptedOnLine = [];
  };

  const accept = (token: Token, change: EntryChange) => {
    if (found.has(change.value)) counts.duplicates += 1;
    else if (found.size >= options.maxEntries)
      throw new AppError('TOO_MANY_ENTRIES', `The file has more than ${options.maxEntries} entries.`);
    if (change.value !== token.text) counts.normalized += 1;
    found.set(change.value, change);
    if (!options.reportShared) return;
    if (badOnLine) reportShared(token);
    else if (acceptedOnLine.length < rememberedOfLine) acceptedOnLine.push(token);
  };

  return {
    token(token: Token) {
      counts.tokens += 1;
      const change = changeOf(token, options);
      if (isProblem(change)) refuse(token, change);
      else accept(token, change);
    },
    lineEnd() {
      acceptedOnLine = [];
      badOnLine = false;
    },
    counts: (): FileCounts => ({ ...counts }),
    result: (): ParsedFile => ({
      changes: sortEntries([...found.values()]),
      counts,
      problems,
      problemsTotal,
    }),
  };
};

/**
 * Reads an import file from its bytes, in whatever pieces they come. Memory is bounded by the number of entries. A file
 * that is no list at all is refused with one code: FILE_NOT_UTF8, FILE_BINARY, FILE_COMPRESSED, FILE_EMPTY, TOO_MANY_ENTRIES.
 */
export const readImportFile = (
  options: ImportFileOptions,
): { push(bytes: Uint8Array): void; end(): ParsedFile; counts(): FileCounts } => {
  const text = textStream();
  const gathered = collector(options);
  const tokens = fileTokens(gathered);
  return {
    push: (bytes) => tokens.push(text.push(bytes)),
    counts: gathered.counts,
    end() {
      tokens.push(text.end());
      tokens.end();
      const result = gathered.result();
      if (result.counts.tokens === 0) throw new AppError('FILE_EMPTY');
      return result;
    },
  };
};
