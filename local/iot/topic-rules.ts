import type { TopicRuleModel } from '../model.ts';
import type { Json } from './json.ts';
import { evaluateRule, type RuleInput } from './rule-evaluation.ts';
import { parseRuleSql, type RuleSql } from './rule-sql.ts';
import { topicMatcher } from './topic-filter.ts';

/** Keeps an asynchronous invocation of a function; called inside the transaction of the message that causes it. */
export type InvokeAsync = (functionArn: string, event: unknown) => void;

/** A message as the rules engine gets it: bytes, which need not be JSON. */
export interface RuleMessage {
  topic: string;
  payload: Uint8Array;
  clientId?: string;
}

/** The rules engine: hands each message to the functions of the rules that select it. */
export interface TopicRules {
  route(message: RuleMessage): void;
}

const compile = ({ name, sql, functionArns }: TopicRuleModel) => {
  try {
    const rule: RuleSql = parseRuleSql(sql);
    return { rule, matches: topicMatcher(rule.filter), functionArns };
  } catch (error) {
    throw new Error(`topic rule ${name} cannot be honoured: ${(error as Error).message}`, { cause: error });
  }
};

const parsePayload = (payload: Uint8Array): Json | undefined => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as Json;
  } catch {
    return undefined;
  }
};

/**
 * Compiles the rules of the stack.
 * @throws Error naming the rule whose SQL is outside the subset of `rule-sql.ts`.
 */
export const topicRules = (
  models: TopicRuleModel[],
  invokeAsync: InvokeAsync,
  now: () => Date,
): TopicRules => {
  const rules = models.map(compile);
  const route = ({ topic, payload, clientId }: RuleMessage): void => {
    const matching = rules.filter((rule) => rule.matches(topic));
    if (matching.length === 0) return;
    const input: RuleInput = {
      topic,
      payload: parsePayload(payload),
      at: now().getTime(),
      ...(clientId !== undefined && { clientId }),
    };
    for (const { rule, functionArns } of matching) {
      const event = evaluateRule(rule, input);
      if (event !== undefined) for (const arn of functionArns) invokeAsync(arn, event);
    }
  };
  return { route };
};
