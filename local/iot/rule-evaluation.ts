import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json, member } from './json.ts';
import type { Expression, RuleSql, SelectItem } from './rule-sql.ts';

/** What a rule sees of one message. `payload` is undefined when the payload is not JSON. */
export interface RuleInput {
  topic: string;
  payload: Json | undefined;
  /** The MQTT client that published; absent for messages of services and of the Publish call. */
  clientId?: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** A value of AWS IoT SQL; undefined is its Undefined. */
type Value = Json | undefined;

const lookUp = (value: Value, keys: string[]): Value =>
  keys.reduce<Value>((found, key) => (isObject(found) ? member(found, key) : undefined), value);

const equal = (left: Value, right: Value): boolean | undefined =>
  left === undefined || right === undefined ? undefined : left === right || isDeepStrictEqual(left, right);

const negate = (value: Value): Value => (typeof value === 'boolean' ? !value : undefined);

const and = (left: Value, right: Value): Value => {
  if (left === false || right === false) return false;
  return left === true && right === true ? true : undefined;
};

const evaluate = (expression: Expression, input: RuleInput): Value => {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'path':
      return lookUp(input.payload, expression.keys);
    case 'topic':
      return expression.level === undefined ? input.topic : input.topic.split('/')[expression.level - 1];
    case 'clientid':
      return input.clientId ?? 'n/a';
    case 'timestamp':
      return input.at;
    case 'isUndefined':
      return evaluate(expression.operand, input) === undefined;
    case 'not':
      return negate(evaluate(expression.operand, input));
    case 'equal':
      return equal(evaluate(expression.left, input), evaluate(expression.right, input));
    case 'unequal':
      return negate(equal(evaluate(expression.left, input), evaluate(expression.right, input)));
    case 'and':
      return and(evaluate(expression.left, input), evaluate(expression.right, input));
    case 'or':
      return negate(and(negate(evaluate(expression.left, input)), negate(evaluate(expression.right, input))));
  }
};

const entriesOf = (item: SelectItem, input: RuleInput): [string, Json][] => {
  if (item.all) return Object.entries(input.payload as object) as [string, Json][];
  const value = evaluate(item.value, input);
  return value === undefined ? [] : [[item.name, value]];
};

/**
 * The event that a rule makes of a message: exactly the SELECT result. Undefined items are left out and a later
 * item wins over an earlier one of its name. Undefined when WHERE does not hold, or when `*` is asked of a
 * payload that is not a JSON object.
 */
export const evaluateRule = (rule: RuleSql, input: RuleInput): Json | undefined => {
  if (rule.where && evaluate(rule.where, input) !== true) return undefined;
  if (rule.select.some((item) => item.all) && !isObject(input.payload)) return undefined;
  return Object.fromEntries(rule.select.flatMap((item) => entriesOf(item, input)));
};
