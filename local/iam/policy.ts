import type { PolicyDocument } from '../model.ts';
import { type Condition, compileConditions, type RequestContext } from './conditions.ts';
import { likePattern } from './patterns.ts';

/** One thing that a principal wants to do: an action on a resource, which is an ARN or `*`. */
export interface Wanted {
  action: string;
  resource: string;
  context?: RequestContext;
}

/** One action of a statement on one of its resources, as they are declared. */
export interface Grant {
  action: string;
  resource: string;
  /** The statement's conditions, as JSON in a fixed order; empty where it has none. */
  condition: string;
}

/** What allowed something: the grant, and the values of its conditions that the request met. */
export interface Use extends Grant {
  values: string[];
}

export type Decision =
  | { allowed: true; use: Use }
  /** `explicit`: a statement denies it; else nothing allows it. */
  | { allowed: false; explicit: boolean };

/** Policies of one principal. */
export interface Policies {
  /** A Deny wins over every Allow; what nothing allows is refused (IAM user guide, "Policy evaluation logic"). */
  decide(wanted: Wanted): Decision;
  /** Everything that is allowed, and for each statement with conditions the values that they name. */
  readonly grants: readonly (Grant & { conditions: readonly Condition[] })[];
}

type RawStatement = PolicyDocument['Statement'][number];

interface Pattern {
  text: string;
  regex: RegExp;
}

interface Statement {
  effect: 'Allow' | 'Deny';
  actions: Pattern[];
  resources: Pattern[];
  conditions: Condition[];
  condition: string;
}

const listed = (value: string | string[], flags?: string): Pattern[] =>
  [value].flat().map((text) => ({ text, regex: likePattern(text, flags) }));

const known = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);

const assertKnown = (statement: RawStatement): void => {
  const strange = Object.keys(statement).find((name) => !known.has(name));
  if (strange !== undefined) throw new TypeError(`The embedded stack cannot decide ${strange} of a policy.`);
  if ([statement.Resource].flat().some((resource) => resource.includes('${')))
    throw new TypeError('The embedded stack cannot decide a variable in a resource of a function.');
};

const compileStatement = (statement: RawStatement): Statement => {
  assertKnown(statement);
  return {
    effect: statement.Effect,
    actions: listed(statement.Action, 'i'),
    resources: listed(statement.Resource),
    conditions: compileConditions(statement.Condition),
    condition: statement.Condition === undefined ? '' : JSON.stringify(statement.Condition),
  };
};

const matching = (patterns: Pattern[], text: string): Pattern | undefined =>
  patterns.find(({ regex }) => regex.test(text));

/** The values of all of its conditions that a request meets; null where one does not hold. */
const valuesMet = (conditions: Condition[], context: RequestContext): string[] | null => {
  const all: string[] = [];
  for (const condition of conditions) {
    const values = condition.meets(context);
    if (!values) return null;
    all.push(...values);
  }
  return all;
};

const judge = (statement: Statement, { action, resource, context = {} }: Wanted): Use | undefined => {
  const byAction = matching(statement.actions, action);
  const byResource = byAction && matching(statement.resources, resource);
  const values = byResource && valuesMet(statement.conditions, context);
  if (!values) return undefined;
  return { action: byAction.text, resource: byResource.text, condition: statement.condition, values };
};

const grantsOf = ({ effect, actions, resources, condition, conditions }: Statement) =>
  effect === 'Deny'
    ? []
    : actions.flatMap((action) =>
        resources.map((resource) => ({
          action: action.text,
          resource: resource.text,
          condition,
          conditions,
        })),
      );

/** The statements that name an action: there are few actions, and each is asked for again and again. */
const byAction = (statements: Statement[]) => {
  const known = new Map<string, Statement[]>();
  return (action: string): Statement[] => {
    const found = known.get(action) ?? statements.filter(({ actions }) => matching(actions, action));
    known.set(action, found);
    return found;
  };
};

/** Compiles the documents of one principal. @throws TypeError naming what cannot be decided here. */
export const compilePolicies = (documents: readonly PolicyDocument[]): Policies => {
  const statements = documents.flatMap(({ Statement: raw }) => [raw].flat().map(compileStatement));
  const allows = statements.filter(({ effect }) => effect === 'Allow');
  const deniesOf = byAction(statements.filter(({ effect }) => effect === 'Deny'));
  const allowsOf = byAction(allows);
  return {
    decide(wanted) {
      if (deniesOf(wanted.action).some((statement) => judge(statement, wanted)))
        return { allowed: false, explicit: true };
      for (const statement of allowsOf(wanted.action)) {
        const use = judge(statement, wanted);
        if (use) return { allowed: true, use };
      }
      return { allowed: false, explicit: false };
    },
    grants: allows.flatMap(grantsOf),
  };
};
