/** An error of SQS: its name in the JSON protocol, and the code by which older clients know it (`x-amzn-query-error`). */
export class SqsError extends Error {
  override readonly name = 'SqsError';
  readonly status: number;
  readonly type: string;
  readonly queryCode: string;

  constructor(type: string, message: string, options: { queryCode?: string; status?: number } = {}) {
    super(message);
    this.type = type;
    this.queryCode = options.queryCode ?? type;
    this.status = options.status ?? 400;
  }
}

const ofService = (type: string, message: string, code = type): SqsError =>
  new SqsError(type, message, { queryCode: `AWS.SimpleQueueService.${code}` });

export const noQueue = (): SqsError =>
  ofService('QueueDoesNotExist', 'The specified queue does not exist.', 'NonExistentQueue');

export const notInFlight = (): SqsError =>
  ofService('MessageNotInflight', 'The specified message is not in flight.');

export const emptyBatch = (): SqsError =>
  ofService('EmptyBatchRequest', 'There should be at least one entry in the request.');

export const batchTooLong = (entries: number): SqsError =>
  ofService(
    'TooManyEntriesInBatchRequest',
    `Maximum number of entries per request are 10. You have sent ${entries}.`,
  );

export const sameBatchIds = (): SqsError =>
  ofService('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');

export const badBatchId = (): SqsError =>
  ofService(
    'InvalidBatchEntryId',
    'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
  );

export const badReceipt = (receipt: string): SqsError =>
  new SqsError('ReceiptHandleIsInvalid', `The input receipt handle "${receipt}" is not valid.`);

export const badParameter = (message: string): SqsError => new SqsError('InvalidParameterValue', message);

export const missing = (name: string): SqsError =>
  new SqsError('MissingParameter', `The request must contain the parameter ${name}.`);

/** What a role does not allow. */
export const accessDenied = (message: string): SqsError =>
  new SqsError('AccessDeniedException', message, { queryCode: 'AccessDenied', status: 403 });

/** For what SQS does and the embedded one does not. */
export const unsupported = (what: string): SqsError =>
  new SqsError('UnsupportedOperation', `The embedded stack does not do this: ${what}`, {
    queryCode: 'AWS.SimpleQueueService.UnsupportedOperation',
    status: 501,
  });
