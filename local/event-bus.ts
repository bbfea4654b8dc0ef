import { compilePattern } from './event-pattern.ts';
import type { EventRuleModel } from './model.ts';

export interface EventBus {
  /** Hands an event to the targets of every rule whose pattern it matches; inside the caller's transaction, where there is one. */
  emit(event: Record<string, unknown>): void;
  /** Hands an event, or the input that a target has instead, to the targets of one rule; inside the caller's transaction likewise. */
  deliver(rule: EventRuleModel, event: Record<string, unknown>): void;
}

export interface Targets {
  sendToQueue(queueArn: string, body: unknown): void;
  invokeAsync(functionArn: string, event: unknown): void;
}

const kinds: Record<string, keyof Targets> = { sqs: 'sendToQueue', lambda: 'invokeAsync' };

/** What kind of target an ARN names: `arn:aws:<service>:…`. */
const kindOf = (arn: string): keyof Targets => {
  const kind = kinds[arn.split(':')[2] ?? ''];
  if (!kind) throw new TypeError(`The embedded event bus does not know the target ${arn}.`);
  return kind;
};

/**
 * EventBridge, as far as rules with patterns and rates go. `twice` delivers each event two times, as EventBridge itself may. Throws on a
 * target that is neither a queue nor a function.
 */
export const eventBus = (rules: EventRuleModel[], targets: Targets, twice = false): EventBus => {
  for (const { arn } of rules.flatMap((rule) => rule.targets)) kindOf(arn);
  const deliver: EventBus['deliver'] = (rule, event) => {
    for (const { arn, input } of rule.targets)
      for (let time = 0; time < (twice ? 2 : 1); time++) targets[kindOf(arn)](arn, input ?? event);
  };
  const patterned = rules.flatMap((rule) =>
    rule.pattern === undefined
      ? []
      : [{ rule, matches: compilePattern(rule.pattern as Record<string, unknown>) }],
  );
  return {
    deliver,
    emit(event) {
      for (const { rule, matches } of patterned) if (matches(event)) deliver(rule, event);
    },
  };
};
