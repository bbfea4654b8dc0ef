import * as z from 'zod/mini';

/**
 * What Lambda tells of an invocation that failed for good: of an asynchronous one with its event as `requestPayload` (Lambda developer guide,
 * "Capturing records of Lambda asynchronous invocations"), of a batch of a stream with the event as `payload`, and that in a bucket only ("Retain
 * discarded records for a DynamoDB event source").
 */
export const invocationRecord = z.looseObject({
  requestContext: z.looseObject({
    functionArn: z.string(),
    condition: z.string(),
    approximateInvokeCount: z.optional(z.number()),
  }),
  responseContext: z.optional(z.looseObject({ functionError: z.optional(z.string()) })),
  timestamp: z.optional(z.string()),
  requestPayload: z.optional(z.unknown()),
  responsePayload: z.optional(z.unknown()),
  DDBStreamBatchInfo: z.optional(z.looseObject({ batchSize: z.number() })),
  payload: z.optional(z.unknown()),
});
export type InvocationRecord = z.infer<typeof invocationRecord>;

/** What a function answers that threw. */
export const functionError = z.looseObject({
  errorType: z.optional(z.string()),
  errorMessage: z.optional(z.string()),
});

/** What a function answers that could not do some records of its batch. */
export const batchAnswer = z.looseObject({
  batchItemFailures: z.array(z.looseObject({ itemIdentifier: z.string() })),
});

/** A line of a function's log that tells of an error. */
export const errorLine = z.looseObject({
  level: z.literal('ERROR'),
  message: z.string(),
  cause: z.optional(z.looseObject({ name: z.string(), message: z.string() })),
});

/** Keys of the items that a batch of the stream tells of. */
export const streamEvent = z.looseObject({
  Records: z.array(
    z.looseObject({
      dynamodb: z.looseObject({
        Keys: z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) }),
      }),
    }),
  ),
});
