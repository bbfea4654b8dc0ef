import type { Outputs } from './outputs.ts';

interface Template {
  Resources: Record<string, { Type: string; DeletionPolicy?: string }>;
}

/**
 * What is kept of each type, how to remove it, and what is lost with it, in the order in which to do that: the key last. Whatever else a template keeps
 * has no line here and is named by its type.
 */
const kinds: Record<string, { what: string; remove: (outputs: Outputs) => string[] }> = {
  'AWS::DynamoDB::GlobalTable': {
    what: 'the table, with all settings, history and audit; protected from deletion',
    remove: ({ TableName: table = 'TABLE' }) => [
      `aws dynamodb update-table --table-name ${table} --no-deletion-protection-enabled`,
      `aws dynamodb delete-table --table-name ${table}`,
    ],
  },
  'AWS::S3::Bucket': {
    what: 'the buckets, with all lists and secrets, and with the batches that were given up; empty them, with their versions, first',
    remove: ({ BucketName: one = 'BUCKET', DeadRecordBucketName: other = 'BUCKET' }) => [
      `aws s3 rb s3://${one}`,
      `aws s3 rb --force s3://${other}`,
    ],
  },
  'AWS::IoT::Policy': {
    what: 'the policy of Scanners, while certificates have it: revoked ones, too',
    remove: ({ ScannerPolicyName: policy = 'POLICY' }) => [
      `aws iot list-targets-for-policy --policy-name ${policy} --query "targets[]" --output text | xargs -n1 aws iot detach-policy --policy-name ${policy} --target`,
      `aws iot delete-policy --policy-name ${policy}`,
    ],
  },
  'AWS::IoT::ThingType': {
    what: 'the thing type of Scanners; it can be deleted five minutes after it is deprecated, when no thing has it',
    remove: ({ ScannerTypeName: type = 'TYPE' }) => [
      `aws iot deprecate-thing-type --thing-type-name ${type}`,
      `aws iot delete-thing-type --thing-type-name ${type}`,
    ],
  },
  'AWS::Logs::LogGroup': {
    what: 'the logs of functions and of the API; they expire by themselves, the empty groups stay',
    remove: () => [
      'aws logs describe-log-groups --log-group-name-prefix NAME- --query "logGroups[].logGroupName" --output text | xargs -n1 aws logs delete-log-group --log-group-name',
    ],
  },
  'AWS::Cognito::UserPool': {
    what: 'the user pool, without its clients; protected from deletion',
    remove: ({ UserPoolId: pool = 'POOL' }) => [
      `aws cognito-idp update-user-pool --user-pool-id ${pool} --deletion-protection INACTIVE`,
      `aws cognito-idp delete-user-pool --user-pool-id ${pool}`,
    ],
  },
  'AWS::KMS::Key': {
    what: 'the key, without which none of that can be read, nor any backup',
    remove: ({ KeyId: key = 'KEY' }) => [`aws kms schedule-key-deletion --key-id ${key}`],
  },
};

const countsOf = ({ Resources }: Template): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { Type, DeletionPolicy } of Object.values(Resources))
    if (DeletionPolicy === 'Retain') counts.set(Type, (counts.get(Type) ?? 0) + 1);
  return counts;
};

const order = Object.keys(kinds);

/** Types that have no line come first. */
const byOrder = ([one]: [string, number], [other]: [string, number]): number =>
  order.indexOf(one) - order.indexOf(other);

/** What of a template outlives its stack, and how each is removed, as lines. */
export const keptLines = (template: Template, outputs: Outputs, name: string): string[] =>
  [...countsOf(template)].sort(byOrder).flatMap(([type, count]) => {
    const { what, remove } = kinds[type] ?? { what: type, remove: () => [] };
    const commands = remove(outputs).map((command) => `         ${command.replace('NAME-', `${name}-`)}`);
    return [`  ${String(count).padStart(4)}   ${what}`, ...commands];
  });

/** What is about to happen to a deployment, or would; what it keeps comes below. */
export const removalText = (name: string, dryRun: boolean): string =>
  `${name} ${dryRun ? 'would be' : 'is about to be'} removed, with its API, its functions and its clients. Scanners keep what they run. This is kept:`;
