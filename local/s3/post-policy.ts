import { S3Error } from './s3-error.ts';
import { mostBytes } from './streaming-body.ts';

/** The fields of an upload form, by lower-case name, without the file. */
export type FormFields = ReadonlyMap<string, string>;

export interface PolicyVerdict {
  maxBytes: number;
  minBytes: number;
}

type Condition = Record<string, string> | [string, ...(string | number)[]];

interface Policy {
  expiration: string;
  conditions: Condition[];
}

const invalid = (why: string): S3Error => new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}`);

const parsePolicy = (encoded: string): Policy => {
  try {
    const policy = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as Policy;
    if (typeof policy.expiration === 'string' && Array.isArray(policy.conditions)) return policy;
  } catch {
    // Falls through: it is no policy.
  }
  throw invalid('it is not a policy document.');
};

const denied = (what: string): S3Error =>
  new S3Error('AccessDenied', `Invalid according to Policy: Policy Condition failed: ${what}`);

type Rule =
  | { kind: 'eq' | 'starts-with'; field: string; value: string }
  | { kind: 'length'; min: number; max: number };

const lengthRule = (min: number, max: number): Rule => {
  if (!(min >= 0 && max >= min)) throw invalid('A content-length-range is two numbers.');
  return { kind: 'length', min, max };
};

const ruleOf = (condition: Condition): Rule => {
  if (typeof condition !== 'object' || condition === null)
    throw invalid('A condition is a list or an object.');
  if (!Array.isArray(condition)) {
    const [[field, value] = ['', ''], ...more] = Object.entries(condition);
    if (more.length > 0) throw invalid('Simple conditions must have exactly one property specified.');
    return { kind: 'eq', field: field.toLowerCase(), value: String(value) };
  }
  const [operator, first, second] = condition;
  if (operator === 'content-length-range') return lengthRule(Number(first), Number(second));
  if (operator === 'eq' || operator === 'starts-with')
    return { kind: operator, field: String(first).replace(/^\$/, '').toLowerCase(), value: String(second) };
  throw invalid(`Unknown condition ${operator}.`);
};

const satisfied = (rule: Rule, fields: FormFields): boolean => {
  if (rule.kind === 'length') return true;
  const value = fields.get(rule.field);
  if (value === undefined) return false;
  return rule.kind === 'eq' ? value === rule.value : value.startsWith(rule.value);
};

/** Fields that need no condition of their own. */
const unconditioned = (name: string): boolean =>
  ['policy', 'x-amz-signature', 'file', 'bucket'].includes(name) || name.startsWith('x-ignore-');

/**
 * Judges a form by its policy: not expired, every condition satisfied, and every field covered by a condition (S3 API reference, "POST
 * policy"). Answers how large the file may be.
 */
export const judgePolicy = (encoded: string, fields: FormFields, now: Date): PolicyVerdict => {
  const policy = parsePolicy(encoded);
  if (!(Date.parse(policy.expiration) > now.getTime()))
    throw new S3Error('AccessDenied', 'Invalid according to Policy: Policy expired.');
  const rules = policy.conditions.map(ruleOf);
  const broken = rules.findIndex((rule) => !satisfied(rule, fields));
  if (broken >= 0) throw denied(JSON.stringify(policy.conditions[broken]));
  const covered = new Set(rules.flatMap((rule) => (rule.kind === 'length' ? [] : [rule.field])));
  const extra = [...fields.keys()].find((name) => !unconditioned(name) && !covered.has(name));
  if (extra !== undefined)
    throw new S3Error('AccessDenied', `Invalid according to Policy: Extra input fields: ${extra}`);
  const lengths = rules.filter((rule) => rule.kind === 'length');
  return {
    minBytes: Math.max(0, ...lengths.map(({ min }) => min)),
    maxBytes: Math.min(mostBytes, ...lengths.map(({ max }) => max)),
  };
};
