import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts one finding of cdk-nag on a construct and what it holds, for a reason that a reviewer can judge. */
export const acknowledge = (construct: IConstruct, id: string, reason: string): void =>
  Validations.of(construct).acknowledge({ id, reason });

type Resolved = string | { Ref: string } | { 'Fn::GetAtt': string[] } | { 'Fn::Join': [string, Resolved[]] };

/** A resolved ARN as cdk-nag writes it in a finding's id: references in angle brackets. */
const written = (value: Resolved): string => {
  if (typeof value === 'string') return value;
  if ('Ref' in value) return `<${value.Ref}>`;
  if ('Fn::GetAtt' in value) return `<${value['Fn::GetAtt'].join('.')}>`;
  const [separator, parts] = value['Fn::Join'];
  return parts.map(written).join(separator);
};

/** Accepts that a policy names exactly these resources with a wildcard; any other wildcard is still a finding. */
export const acknowledgeWildcards = (
  construct: IConstruct,
  resources: readonly string[],
  reason: string,
): void => {
  for (const resource of resources.filter((name) =>
    JSON.stringify(Stack.of(construct).resolve(name)).includes('*'),
  ))
    acknowledge(
      construct,
      `AwsSolutions-IAM5[Resource::${written(Stack.of(construct).resolve(resource))}]`,
      reason,
    );
};
