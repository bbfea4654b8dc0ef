import type { Head, Part } from '../../shared/domain/configuration.ts';
import { hasCode } from '../../shared/errors.ts';
import type { Acknowledgement } from '../../shared/schemas/common.ts';
import type { Actor, Answer } from '../lib/http.ts';
import type { Idempotency } from '../lib/idempotency.ts';
import { type KeyedRequest, recall, rememberItem } from '../stores/answers.ts';
import type { TransactItem } from '../stores/dynamo.ts';
import { type Change, type Changed, changeConfiguration } from '../stores/heads.ts';

/** As much of a call as every write needs. */
export interface WriteCall {
  params: { scannerId: string };
  query: { acknowledge?: string | undefined; dryRun: boolean };
  ifMatch: number | '*' | undefined;
  idempotency: Idempotency | undefined;
  actor: Actor;
  now: Date;
}

/** The values of an `acknowledge` parameter that has passed its schema. */
export const acknowledgedBy = ({ query }: Pick<WriteCall, 'query'>): Acknowledgement[] =>
  (query.acknowledge?.split(',') ?? []) as Acknowledgement[];

export const etagOf = (head: Head): { etag: string } => ({ etag: `"${head.revision}"` });

const keyedRequestOf = ({ idempotency, actor }: Pick<WriteCall, 'idempotency' | 'actor'>) =>
  idempotency ? { ...idempotency, actor: actor.name } : undefined;

const withHeaders = (answer: Answer) => ({ ...answer, headers: answer.headers ?? {} });

/** A call of a write: of any with a key, and of any with a dry run. */
type KeyedCall = Pick<WriteCall, 'idempotency' | 'actor' | 'now'> & {
  query?: { dryRun: boolean } | undefined;
};

/**
 * Runs a write that a key may name, unless it is dry, which is no write: a request that was answered before gets that answer and does nothing. `run` is given how to keep its
 * answer in the transaction of the write; where another request under the key was faster, its answer is given.
 */
export const once = async (
  call: KeyedCall,
  run: (remember: ((answer: Answer) => TransactItem) | undefined) => Promise<Answer>,
): Promise<Answer> => {
  const request: KeyedRequest | undefined = call.query?.dryRun ? undefined : keyedRequestOf(call);
  if (!request) return run(undefined);
  const known = await recall(request, call.now);
  if (known) return known;
  try {
    return await run((answer) => rememberItem(request, withHeaders(answer), call.now));
  } catch (error) {
    const answered = hasCode(error, 'SUPERSEDED') ? await recall(request, call.now) : null;
    if (!answered) throw error;
    return answered;
  }
};

export interface ConfigurationWrite<T> {
  operation: string;
  part: Part | 'all';
  compute: (head: Head) => Promise<Change<T>>;
  body: (head: Head, result: T) => unknown;
}

/** Makes one revision of a Scanner's configuration, or says what it would be: the one way in which a call changes it. */
export const writeConfiguration = <T>(call: WriteCall, write: ConfigurationWrite<T>): Promise<Answer> => {
  const { dryRun } = call.query;
  const answerOf = (head: Head, result: T): Answer => ({
    status: 200,
    body: write.body(head, result),
    headers: dryRun ? {} : etagOf(head),
  });
  return once(call, async (remember) => {
    const { head, result } = await changeConfiguration<T>({
      scannerId: call.params.scannerId,
      part: write.part,
      operation: write.operation,
      actor: call.actor,
      at: call.now,
      ifMatch: call.ifMatch,
      dryRun,
      compute: write.compute,
      ...(remember ? { remember: (done: Changed<T>) => remember(answerOf(done.head, done.result)) } : {}),
    });
    return answerOf(head, result);
  });
};
