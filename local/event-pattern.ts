type Json = unknown;
type JsonObject = Record<string, Json>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Operator = (argument: Json) => (value: Json, present: boolean) => boolean;

const text = (test: (value: string, argument: string) => boolean): Operator => {
  return (argument) => (value) => typeof value === 'string' && test(value, String(argument));
};

const comparisons: Record<string, (value: number, bound: number) => boolean> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

const numeric: Operator = (argument) => {
  const parts = argument as (string | number)[];
  const tests = parts.flatMap((part, index) => {
    const compare = typeof part === 'string' ? comparisons[part] : undefined;
    return compare ? [(value: number) => compare(value, Number(parts[index + 1]))] : [];
  });
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
};

/** Operators of EventBridge and Lambda filter patterns that are known here (EventBridge user guide, "Event patterns"). */
const operators: Record<string, Operator> = {
  prefix: text((value, argument) => value.startsWith(argument)),
  suffix: text((value, argument) => value.endsWith(argument)),
  'equals-ignore-case': text((value, argument) => value.toLowerCase() === argument.toLowerCase()),
  exists: (argument) => (_, present) => present === argument,
  'anything-but': (argument) => {
    const refused = Array.isArray(argument) ? argument : [argument];
    return (value, present) => present && !refused.includes(value);
  },
  numeric,
};

type Test = (value: Json, present: boolean) => boolean;

const alternative = (rule: Json): Test => {
  if (!isObject(rule)) return (value, present) => present && value === rule;
  const [[name, argument] = ['', undefined], ...more] = Object.entries(rule);
  const operator = operators[name];
  if (!operator || more.length > 0)
    throw new TypeError(`The embedded stack does not know the filter ${JSON.stringify(rule)}.`);
  return operator(argument);
};

const leaf = (rules: Json[]): Test => {
  const tests = rules.map(alternative);
  return (value, present) => {
    const values = Array.isArray(value) ? value : [value];
    return tests.some((test) => values.some((one) => test(one, present)));
  };
};

const compileMember = (pattern: Json): Test => {
  if (Array.isArray(pattern)) return leaf(pattern);
  if (!isObject(pattern))
    throw new TypeError(`A filter's values stand in a list: ${JSON.stringify(pattern)}`);
  const matches = compilePattern(pattern);
  return (value) => matches(isObject(value) ? value : {});
};

/** A pattern as a test of events. Throws on an operator that is not known: what cannot be honoured must not seem to be. */
export const compilePattern = (pattern: JsonObject): ((event: JsonObject) => boolean) => {
  const members = Object.entries(pattern).map(([name, rule]) => [name, compileMember(rule)] as const);
  return (event) => members.every(([name, test]) => test(event[name], Object.hasOwn(event, name)));
};
