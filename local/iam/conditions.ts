import { likePattern } from './patterns.ts';

/** Values that a request has for the keys of conditions, by their names; a key that it does not have is not there. */
export type RequestContext = Readonly<Record<string, readonly string[]>>;

/** One operator on one key. */
export interface Condition {
  key: string;
  operator: string;
  values: readonly string[];
  /** The values of the condition that a request meets; null where it does not hold. */
  meets(context: RequestContext): readonly string[] | null;
}

/**
 * Keys that the embedded services give a value. A key that none gives would hold or not by its absence alone, so no policy of a function
 * may name one (DynamoDB developer guide, "Using IAM policy conditions"; KMS developer guide, "Condition keys").
 */
const knownKeys = new Set([
  'dynamodb:LeadingKeys',
  'dynamodb:EnclosingOperation',
  'kms:ViaService',
  'kms:EncryptionContext:aws:dynamodb:tableName',
  'kms:EncryptionContext:aws:s3:arn',
]);

type Test = (pattern: string) => (value: string) => boolean;

const tests: Record<string, Test> = {
  StringEquals: (wanted) => (value) => value === wanted,
  StringLike: (wanted) => {
    const pattern = likePattern(wanted);
    return (value) => pattern.test(value);
  },
};

type Compiled = [text: string, test: (value: string) => boolean][];

const met = (patterns: Compiled, given: readonly string[]): string[] =>
  patterns.filter(([, test]) => given.some(test)).map(([text]) => text);

/** How each operator takes a key with several values, or none (IAM user guide, "Multivalued context keys"). */
const qualifiers: Record<string, (patterns: Compiled, given: readonly string[]) => boolean> = {
  '': (patterns, given) => given.length === 1 && met(patterns, given).length > 0,
  'ForAllValues:': (patterns, given) => given.every((value) => patterns.some(([, test]) => test(value))),
  'ForAnyValue:': (patterns, given) => met(patterns, given).length > 0,
};

const nullCondition = (key: string, values: string[]): Condition => ({
  key,
  operator: 'Null',
  values,
  meets: (context) => (values.includes(String((context[key] ?? []).length === 0)) ? [] : null),
});

const refused = (what: string): TypeError =>
  new TypeError(`The embedded stack cannot decide ${what} of a function's policy.`);

const compileOne = (operator: string, key: string, values: string[]): Condition => {
  if (!knownKeys.has(key)) throw refused(`the condition key ${key}`);
  if (values.some((value) => value.includes('${'))) throw refused(`a variable in the condition on ${key}`);
  if (operator === 'Null') return nullCondition(key, values);
  const [, qualifier = '', name = ''] = /^(For(?:All|Any)Values?:)?(\w+)$/.exec(operator) ?? [];
  const [holds, test] = [qualifiers[qualifier], tests[name]];
  if (!holds || !test) throw refused(`the operator ${operator}`);
  const patterns = values.map((value): Compiled[number] => [value, test(value)]);
  return {
    key,
    operator,
    values,
    meets(context) {
      const given = context[key] ?? [];
      return holds(patterns, given) ? met(patterns, given) : null;
    },
  };
};

/** The `Condition` of a statement. @throws TypeError on any operator and any key that is not known: nothing is allowed by a guess. */
export const compileConditions = (block: unknown): Condition[] =>
  Object.entries((block ?? {}) as Record<string, Record<string, unknown>>).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => compileOne(operator, key, [values].flat().map(String))),
  );
