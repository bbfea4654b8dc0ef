import type { GrantException } from '../helpers/grants.ts';

/** What is granted and not seen in any run of the tests, and why it is granted all the same. */
export const exceptions: readonly GrantException[] = [
  { actions: ['logs:'], reason: 'Lambda writes the log; here it is a file.' },
  { actions: ['xray:'], reason: 'Lambda sends the traces; here are none.' },
  {
    actions: ['dynamodb:ListStreams'],
    functions: ['publish', 'route'],
    reason: 'CDK grants it with the reading of a stream; Lambda is told which stream.',
  },
  {
    actions: ['sqs:ChangeMessageVisibility', 'sqs:GetQueueUrl'],
    functions: ['import'],
    reason: 'CDK grants it with the polling of a queue; Lambda’s guide asks for less.',
  },
  {
    actions: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
    reason: 'CDK grants it with the sending to a failure destination; Lambda’s guide asks for less.',
  },
  {
    actions: ['dynamodb:ConditionCheckItem'],
    functions: ['api/rollouts'],
    row: 'rollout#*',
    reason:
      'Whoever has the lease plans a rollout: the function that is asked for it, or the worker; which of them is chance.',
  },
  {
    actions: ['s3:AbortMultipartUpload'],
    functions: ['import', 'derive'],
    reason: 'An upload in parts that fails is given up; what fails so does not fail in a test at will.',
  },
  {
    actions: ['s3:ListBucket'],
    functions: [
      'settings',
      'lists',
      'imports',
      'history',
      'credentials',
      'rollouts',
      'import',
      'artifacts',
      'derive',
      'sweep',
      'rollout',
    ],
    reason:
      'By it an object that is missing reads as missing, and not as forbidden; hardly ever is one missing.',
  },
  {
    actions: ['dynamodb:DeleteItem'],
    functions: ['publish', 'report', 'presence', 'reconcile'],
    row: 'scanner#*',
    reason: 'Takes back what was put while the Scanner was decommissioned: who is late by milliseconds.',
  },
  {
    actions: ['dynamodb:UpdateItem'],
    functions: ['publish', 'report', 'presence'],
    row: 'scanner#*',
    reason: 'Of a decommissioned Scanner something appears late, or a look failed: a matter of moments.',
  },
  {
    actions: ['s3:DeleteObjectVersion'],
    functions: ['sweep'],
    reason:
      'Only what has been needless for a week is deleted; the contract tests of the sweep set the clock.',
  },
  {
    actions: ['s3:GetObject'],
    functions: ['sweep'],
    resource: '/sweep/*',
    reason: 'Read back by a process that goes on with what another has marked: none of a test takes so long.',
  },
  {
    actions: ['dynamodb:UpdateItem'],
    functions: ['sweep'],
    row: 'import#*',
    reason: 'Wakes an import that was lost for hours; the contract tests of the sweep set the clock.',
  },
  {
    actions: ['kms:GenerateDataKey'],
    functions: ['publish'],
    reason:
      'For a batch of the stream that failed for good: the journeys have such a batch of the router only.',
  },
  {
    actions: ['dynamodb:UpdateItem'],
    functions: ['reconcile'],
    row: 'scanner#*',
    reason: 'A look that fails is noted to be tried again; looks fail where the shadow service does.',
  },
];
