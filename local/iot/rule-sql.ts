import { isTopicFilter } from './topic-filter.ts';

/** An expression of a rule: what the subset of AWS IoT SQL that the embedded stack honours comes down to. */
export type Expression =
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'path'; keys: string[] }
  | { kind: 'topic'; level?: number }
  | { kind: 'clientid' }
  | { kind: 'timestamp' }
  | { kind: 'isUndefined'; operand: Expression }
  | { kind: 'not'; operand: Expression }
  | { kind: 'and' | 'or' | 'equal' | 'unequal'; left: Expression; right: Expression };

/** One item of SELECT: the whole payload, or an expression under a name. */
export type SelectItem = { all: true } | { all: false; name: string; value: Expression };

export interface RuleSql {
  select: SelectItem[];
  filter: string;
  where?: Expression;
}

interface Token {
  kind: 'word' | 'string' | 'number' | 'symbol';
  text: string;
}

const tokenPattern =
  /\s*(?:(?<word>[A-Za-z_][A-Za-z0-9_]*)|'(?<string>(?:[^']|'')*)'|(?<number>-?\d+(?:\.\d+)?)|(?<symbol><>|[=(),.*]))/y;

const tokenize = (sql: string): Token[] => {
  const tokens: Token[] = [];
  const text = sql.trim();
  let at = 0;
  while (at < text.length) {
    tokenPattern.lastIndex = at;
    const found = tokenPattern.exec(text);
    if (!found?.groups) throw new SyntaxError(`unexpected text at: ${text.slice(at, at + 40)}`);
    at = tokenPattern.lastIndex;
    for (const [kind, value] of Object.entries(found.groups))
      if (value !== undefined)
        tokens.push({
          kind: kind as Token['kind'],
          text: kind === 'string' ? value.replaceAll("''", "'") : value,
        });
  }
  return tokens;
};

/** Reads tokens from left to right. */
class Reader {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  fail(wanted: string): never {
    const token = this.#tokens[this.#at];
    throw new SyntaxError(`expected ${wanted}, found ${token ? `"${token.text}"` : 'the end'}`);
  }

  /** Takes the next token if it is this word (any case) or symbol. */
  accept(text: string): boolean {
    const token = this.#tokens[this.#at];
    const same = token?.kind === 'word' ? token.text.toUpperCase() === text : token?.text === text;
    if (!token || token.kind === 'string' || !same) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(text);
  }

  take(kind: Token['kind']): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind) return undefined;
    this.#at += 1;
    return token.text;
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }
}

const keywords = new Set(['SELECT', 'FROM', 'WHERE', 'AS', 'AND', 'OR', 'NOT']);

const takeName = (reader: Reader): string => {
  const name = reader.take('word');
  if (name === undefined || keywords.has(name.toUpperCase())) return reader.fail('a name');
  return name;
};

const callTopic = (reader: Reader): Expression => {
  const level = reader.take('number');
  if (level === undefined) return { kind: 'topic' };
  if (!/^[1-9]\d*$/.test(level)) throw new SyntaxError('topic() takes a level from 1');
  return { kind: 'topic', level: Number(level) };
};

const calls = new Map<string, (reader: Reader) => Expression>([
  ['topic', callTopic],
  ['clientid', () => ({ kind: 'clientid' })],
  ['timestamp', () => ({ kind: 'timestamp' })],
  ['isundefined', (reader) => ({ kind: 'isUndefined', operand: readOr(reader) })],
]);

const readCall = (reader: Reader, name: string): Expression => {
  const call = calls.get(name.toLowerCase());
  if (!call) throw new SyntaxError(`the function ${name}() is not one of the embedded stack`);
  const expression = call(reader);
  reader.expect(')');
  return expression;
};

const constants = new Map<string, boolean | null>([
  ['TRUE', true],
  ['FALSE', false],
  ['NULL', null],
]);

const readWord = (reader: Reader): Expression => {
  const name = takeName(reader);
  if (reader.accept('(')) return readCall(reader, name);
  const constant = constants.get(name.toUpperCase());
  if (constant !== undefined) return { kind: 'literal', value: constant };
  const keys = [name];
  while (reader.accept('.')) keys.push(takeName(reader));
  return { kind: 'path', keys };
};

const readOperand = (reader: Reader): Expression => {
  if (reader.accept('(')) {
    const inner = readOr(reader);
    reader.expect(')');
    return inner;
  }
  const text = reader.take('string');
  if (text !== undefined) return { kind: 'literal', value: text };
  const number = reader.take('number');
  if (number !== undefined) return { kind: 'literal', value: Number(number) };
  return readWord(reader);
};

const readComparison = (reader: Reader): Expression => {
  const left = readOperand(reader);
  if (reader.accept('=')) return { kind: 'equal', left, right: readOperand(reader) };
  if (reader.accept('<>')) return { kind: 'unequal', left, right: readOperand(reader) };
  return left;
};

const readNot = (reader: Reader): Expression =>
  reader.accept('NOT') ? { kind: 'not', operand: readNot(reader) } : readComparison(reader);

const readAnd = (reader: Reader): Expression => {
  let left = readNot(reader);
  while (reader.accept('AND')) left = { kind: 'and', left, right: readNot(reader) };
  return left;
};

const readOr = (reader: Reader): Expression => {
  let left = readAnd(reader);
  while (reader.accept('OR')) left = { kind: 'or', left, right: readAnd(reader) };
  return left;
};

const readItem = (reader: Reader): SelectItem => {
  if (reader.accept('*')) return { all: true };
  const value = readOr(reader);
  if (reader.accept('AS')) return { all: false, name: takeName(reader), value };
  const name = value.kind === 'path' ? value.keys.at(-1) : undefined;
  if (name === undefined) throw new SyntaxError('an item that is not a path needs AS and a name');
  return { all: false, name, value };
};

/**
 * Parses `SELECT <items> FROM '<filter>' [WHERE <condition>]` with `*`, paths, AS, topic(), topic(n), clientid(),
 * timestamp(), isUndefined(x), literals, `=`, `<>`, AND, OR, NOT and parentheses.
 * @throws SyntaxError on anything else, so that a rule is honoured in full or refused at the start.
 */
export const parseRuleSql = (sql: string): RuleSql => {
  const reader = new Reader(tokenize(sql));
  reader.expect('SELECT');
  const select = [readItem(reader)];
  while (reader.accept(',')) select.push(readItem(reader));
  reader.expect('FROM');
  const filter = reader.take('string') ?? reader.fail('a topic filter in quotes');
  if (!isTopicFilter(filter)) throw new SyntaxError(`'${filter}' is not a topic filter`);
  const where = reader.accept('WHERE') ? readOr(reader) : undefined;
  if (!reader.done) reader.fail('the end');
  return { select, filter, ...(where && { where }) };
};
