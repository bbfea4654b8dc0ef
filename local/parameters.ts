import { nameAndValue, UsageError } from './command.ts';
import type { Template } from './template.ts';

type Declared = NonNullable<Template['Parameters']>;

/** A pattern is of the whole value (CloudFormation user guide, "Parameters", AllowedPattern). */
const matches = (pattern: string, value: string): boolean => new RegExp(`^(?:${pattern})$`).test(value);

const problemOf = (declared: Declared, name: string, value: string): string | undefined => {
  const parameter = Object.hasOwn(declared, name) ? declared[name] : undefined;
  if (!parameter)
    return `There is no parameter ${name}. There are ${Object.keys(declared).toSorted().join(', ')}.`;
  const { AllowedPattern: pattern } = parameter;
  return pattern === undefined || matches(pattern, value)
    ? undefined
    : `The parameter ${name} does not take ${value}: its values are of the pattern ${pattern}.`;
};

/**
 * Values of parameters, each given as NAME=VALUE.
 *
 * @throws UsageError with all of those that CloudFormation would refuse: parameters that the template has not, values that it does not allow.
 */
export const readParameters = (given: readonly string[], declared: Declared): Record<string, string> => {
  const pairs = given.map((text) => nameAndValue('--parameter', text));
  const problems = pairs.flatMap(([name, value]) => problemOf(declared, name, value) ?? []);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return Object.fromEntries(pairs);
};
