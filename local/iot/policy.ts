import type { PolicyDocument } from '../model.ts';

/** What a policy decides about a connection. `${iot:Connection.Thing.…}` needs `thing`. */
export interface PolicyContext {
  clientId: string;
  /** The thing named like the client id, if the connection's certificate is attached to it. */
  thing?: { name: string; typeName?: string; attributes: Record<string, string> };
}

/** True when an action on a resource (an ARN) is allowed. */
export type Permission = (action: string, resource: string) => boolean;

/** Part of a pattern: text as it stands, a wildcard, or a variable to be filled in. */
type Part = { text: string } | { wildcard: '*' | '?' } | { variable: string };

interface Statement {
  effect: 'Allow' | 'Deny';
  actions: RegExp[];
  resources: Part[][];
  /** The value that `iot:Connection.Thing.IsAttached` must have. */
  attached?: boolean;
}

/** A policy document whose statements the embedded broker can decide. */
export interface CompiledPolicy {
  statements: Statement[];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

const asList = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

const variables: Record<string, (context: PolicyContext) => string | undefined> = {
  '*': () => '*',
  '?': () => '?',
  $: () => '$',
  'iot:ClientId': (context) => context.clientId,
  'iot:Connection.Thing.ThingName': (context) => context.thing?.name,
  'iot:Connection.Thing.ThingTypeName': (context) => context.thing?.typeName,
};

const attributeName = (variable: string): string | undefined =>
  /^iot:Connection\.Thing\.Attributes\[([^\]]+)\]$/.exec(variable)?.[1];

const knownVariable = (name: string): Part => {
  if (!Object.hasOwn(variables, name) && attributeName(name) === undefined)
    throw new Error(`the policy variable \${${name}} is not one of the embedded stack`);
  return { variable: name };
};

const parsePattern = (pattern: string): Part[] =>
  [...pattern.matchAll(/\$\{([^}]*)\}|([*?])|([^*?$]+|\$)/g)].map(([, variable, wildcard, text]): Part => {
    if (variable !== undefined) return knownVariable(variable);
    return wildcard === undefined ? { text: text ?? '' } : { wildcard: wildcard as '*' | '?' };
  });

const fill = (name: string, context: PolicyContext): string | undefined => {
  const attribute = attributeName(name);
  if (attribute === undefined) return variables[name]?.(context);
  const attributes = context.thing?.attributes ?? {};
  return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
};

/** A value that fills a variable is taken as it stands: a wildcard in it is a character. */
const partSource = (part: Part, context: PolicyContext): string | undefined => {
  if ('text' in part) return escaped(part.text);
  if ('wildcard' in part) return part.wildcard === '*' ? '.*' : '.';
  const value = fill(part.variable, context);
  return value === undefined ? undefined : escaped(value);
};

/** The resource pattern for one connection; undefined, so matching nothing, when a variable has no value. */
const resourcePattern = (parts: Part[], context: PolicyContext): RegExp | undefined => {
  const sources = parts.map((part) => partSource(part, context));
  return sources.includes(undefined) ? undefined : new RegExp(`^${sources.join('')}$`, 's');
};

const actionPattern = (action: string): RegExp => {
  const source = parsePattern(action).map((part) => partSource(part, { clientId: '' }));
  return new RegExp(`^${source.join('')}$`, 'i');
};

const readCondition = (condition: unknown): boolean | undefined => {
  if (condition === undefined) return undefined;
  const text = JSON.stringify(condition);
  const value = /^\{"Bool":\{"iot:Connection\.Thing\.IsAttached":\[?"?(true|false)"?\]?\}\}$/.exec(text)?.[1];
  if (value === undefined) throw new Error(`the condition ${text} is not one of the embedded stack`);
  return value === 'true';
};

const compileStatement = (statement: PolicyDocument['Statement'][number]): Statement => {
  const attached = readCondition(statement.Condition);
  return {
    effect: statement.Effect,
    actions: asList(statement.Action).map(actionPattern),
    resources: asList(statement.Resource).map(parsePattern),
    ...(attached !== undefined && { attached }),
  };
};

/**
 * Compiles an IoT policy ("AWS IoT Core policies" in the developer guide).
 * @throws Error when the document has a variable or a condition that the embedded broker cannot decide.
 */
export const compilePolicy = (document: PolicyDocument): CompiledPolicy => ({
  statements: document.Statement.map(compileStatement),
});

/** Binds policies to a connection. A Deny wins over every Allow; what nothing allows is refused. */
export const bindPolicies = (policies: CompiledPolicy[], context: PolicyContext): Permission => {
  const attached = context.thing !== undefined;
  const bound = policies
    .flatMap((policy) => policy.statements)
    .filter((statement) => statement.attached === undefined || statement.attached === attached)
    .map(({ effect, actions, resources }) => ({
      effect,
      actions,
      resources: resources.flatMap((parts) => resourcePattern(parts, context) ?? []),
    }));
  return (action, resource) => {
    const matching = bound.filter(
      ({ actions, resources }) =>
        actions.some((pattern) => pattern.test(action)) &&
        resources.some((pattern) => pattern.test(resource)),
    );
    return matching.length > 0 && matching.every(({ effect }) => effect === 'Allow');
  };
};
