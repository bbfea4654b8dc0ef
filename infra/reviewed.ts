import type { Stack } from 'aws-cdk-lib';
import { acknowledge } from './acknowledge.ts';
import type { Storage } from './storage.ts';

/**
 * Findings of the packs Serverless and NIST 800-53 R5 that hold for the whole stack by decision. What is about one construct alone is
 * acknowledged where that is made.
 */
const ofTheStack: Record<string, string> = {
  'Serverless-LambdaDLQ':
    'Whatever is invoked asynchronously has a failure destination on its alias, the queue of dead letters: that holds the answer, too, which a dead-letter queue of a function does not. The API is invoked synchronously.',
  'NIST.800.53.R5-LambdaDLQ':
    'Whatever is invoked asynchronously has a failure destination on its alias, the queue of dead letters: that holds the answer, too, which a dead-letter queue of a function does not. The API is invoked synchronously.',
  'NIST.800.53.R5-LambdaConcurrency':
    'Reserved concurrency takes from all others of the account, which may have as few as ten: it is given where something could starve the rest, and imports are held by the concurrency of their event source.',
  'NIST.800.53.R5-LambdaInsideVPC':
    'Functions reach nothing but AWS’s own endpoints, over TLS, by roles of their own, and nothing reaches them but by invocation. There is no resource in a VPC; a network would add an exit to guard.',
  'NIST.800.53.R5-IAMNoInlinePolicy':
    'Each policy is of the one role of one function, made and removed with it. A managed policy would be one that others can be attached to.',
  'NIST.800.53.R5-CloudWatchLogGroupEncrypted':
    'CloudWatch encrypts them with keys of its own. No secret, token, key or list is written to a log; who reads logs without leave of a second key cannot read what those hold.',
};

const ofBuckets: Record<string, string> = {
  'NIST.800.53.R5-S3BucketLoggingEnabled':
    'Who wrote what is in the audit records; data events of the account are for the organisation to switch on.',
  'NIST.800.53.R5-S3BucketReplicationEnabled':
    'Where a copy in another region lies, and under which key, is for the organisation to say. Objects have versions, and the table has recovery to a point in time.',
};

/** Accepts each, with the reason why a reviewer may. */
export const acknowledgeReviewed = (
  stack: Stack,
  { bucket, deadRecords, deadLetters, imports }: Storage,
): void => {
  for (const [id, reason] of Object.entries(ofTheStack)) acknowledge(stack, id, reason);
  for (const one of [bucket, deadRecords])
    for (const [id, reason] of Object.entries(ofBuckets)) acknowledge(one, id, reason);
  acknowledge(
    deadRecords,
    'NIST.800.53.R5-S3BucketVersioningEnabled',
    'A batch that was replayed is to be gone, and one that was not is kept for 14 days: no object here is ever written twice.',
  );
  acknowledge(deadLetters, 'Serverless-SQSRedrivePolicy', 'It is where the others redrive to.');
  acknowledge(
    stack,
    'Serverless-LambdaEventSourceMappingDestination',
    `The mappings of the stream have a destination. That of a queue can have none: ${imports.node.id} redrives to the dead letters after five tries.`,
  );
};
