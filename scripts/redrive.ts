import type { KeptLetter } from '../functions/stores/dead-letters.ts';
import { runCommand, UsageError } from '../local/command.ts';
import { clientVariables, readEndpoints } from './embedded.ts';
import { explaining } from './explaining.ts';
import { type Handled, letterJson, letterTable, type Outcome } from './redrive/print.ts';

const usage = `Replays what was given up: messages of the dead-letter queue, and batches of the table's stream, which are objects of a bucket.

  npm run redrive                             the embedded stack that runs here (state in .local)
  npm run redrive -- --data DIR               the one that keeps its state in DIR
  npm run redrive -- --queue URL --bucket B   a deployment, by its outputs DeadLetterQueueUrl and DeadRecordBucketName, with the account and
                                              region of the environment
  npm run redrive -- --list                   only shows what is dead, and what it was about
  npm run redrive -- --only TEXT              only what has TEXT in its id, its function, its reason or its keys; goes with the others
  npm run redrive -- --discard ID             takes one away without replaying it: for good; several by several of these options
  npm run redrive -- --json                   as JSON on standard output, with the events themselves

A batch of the stream, and the event of an asynchronous invocation, goes to its function again, which is waited for; a message that a queue gave up goes
back to that queue. What its function has done is taken away; what fails again stays where it is, and the table says why. All of it may
be replayed twice: a message is a key, and its worker reads what is so now.

While a message is read it is hidden from others. When this is interrupted, it is seen again after a quarter of an hour.

Ends with 0 when nothing is dead any more (of what was asked for), with 1 when something is, or when it failed, with 2 when it is called wrongly.
`;

const options = {
  data: { type: 'string', default: '.local' },
  queue: { type: 'string' },
  bucket: { type: 'string' },
  list: { type: 'boolean', default: false },
  only: { type: 'string' },
  discard: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const;

interface Asked {
  data: string;
  queue?: string | undefined;
  bucket?: string | undefined;
  list: boolean;
  only?: string | undefined;
  discard?: string[] | undefined;
}

/** How many functions are invoked at once. */
const width = 8;

const variablesOf = ({ data, queue, bucket }: Asked): Record<string, string> => {
  if ((queue === undefined) !== (bucket === undefined))
    throw new UsageError('A deployment is named by both --queue and --bucket.');
  if (queue !== undefined && bucket !== undefined)
    return { DEAD_LETTER_QUEUE_URL: queue, DEAD_RECORD_BUCKET: bucket };
  const endpoints = readEndpoints(data);
  return {
    ...clientVariables(endpoints),
    DEAD_LETTER_QUEUE_URL: endpoints['deadLetterQueue'] ?? '',
    DEAD_RECORD_BUCKET: endpoints['deadRecordBucket'] ?? '',
  };
};

type Store = typeof import('../functions/stores/dead-letters.ts');

const byTime = (a: KeptLetter, b: KeptLetter) =>
  a.letter.at < b.letter.at ? -1 : Number(a.letter.at > b.letter.at);

const isMeant = ({ only, discard }: Asked, { id, letter }: KeptLetter): boolean => {
  if (discard !== undefined) return discard.includes(id);
  return only === undefined || [id, letter.to, letter.why, letter.about].some((text) => text.includes(only));
};

/** Takes a letter away once its replay says that it is done. */
const replay = async (store: Store, kept: KeptLetter): Promise<Outcome> => {
  const reason = await store.replayLetter(kept);
  if (reason !== null) return { done: false, reason };
  await store.discardLetter(kept);
  return { done: true };
};

const discard = async (store: Store, kept: KeptLetter): Promise<Outcome> => {
  await store.discardLetter(kept);
  return { done: true };
};

const isLeft = ({ outcome }: Handled): boolean => outcome?.done !== true;

/** Does to each letter what was asked for; one that fails keeps nobody else from it. */
const handle = async (store: Store, letters: Handled[], asked: Asked): Promise<void> => {
  if (asked.list) return;
  const { inParallel } = await import('../functions/lib/parallel.ts');
  const work = asked.discard === undefined ? replay : discard;
  const failures = await inParallel(letters, width, async (handled) => {
    handled.outcome = await work(store, handled);
  });
  for (const { item, error } of failures) item.outcome = { done: false, reason: (error as Error).message };
};

/** All letters there are. Until all are read none may be given back: the queue would tell of it again, and of no other. */
const readAll = async (store: Store): Promise<Handled[]> => {
  const all: Handled[] = [];
  for (const read of [store.deadMessages, store.deadRecords]) for await (const kept of read()) all.push(kept);
  return all.sort(byTime);
};

const letters = (count: number): string => (count === 1 ? '1 dead letter' : `${count} dead letters`);

const print = (all: readonly Handled[], hidden: number, { list }: Asked): void => {
  const messages = all.filter(({ place }) => place.kind === 'message').length;
  if (all.length > 0) console.log(`${letterTable(all)}\n`);
  console.log(`${letters(all.length)}: ${messages} in the queue, ${all.length - messages} in the bucket.`);
  if (!list && all.length > 0)
    console.log(`${all.length - all.filter(isLeft).length} done, ${all.filter(isLeft).length} left.`);
  if (hidden > 0)
    console.log(
      `About ${hidden} more messages are being read by somebody else, or were and are hidden for a while.`,
    );
};

/** An id stands for one letter, or nothing is discarded. */
const assertEachIsOne = (found: readonly Handled[], ids: readonly string[] = []): void => {
  for (const id of ids) {
    const count = found.filter((kept) => kept.id === id).length;
    if (count !== 1) throw new Error(`${count} letters have the id ${id}: nothing was discarded.`);
  }
};

await runCommand({ usage, options }, async (values) => {
  if (values.list && values.discard !== undefined)
    throw new UsageError('--list changes nothing: it does not go with --discard.');
  Object.assign(process.env, variablesOf(values));
  const store = await import('../functions/stores/dead-letters.ts');
  const { hidden } = await explaining(store.countDeadMessages);
  const all = await readAll(store);
  const found = all.filter((kept) => isMeant(values, kept));
  try {
    assertEachIsOne(found, values.discard);
    await handle(store, found, values);
  } finally {
    for (const kept of all.filter(isLeft)) await store.giveBack(kept);
  }
  if (values.json) console.log(JSON.stringify({ hidden, letters: found.map(letterJson) }, null, 2));
  else print(found, hidden, values);
  return found.some(isLeft) || hidden > 0 ? 1 : 0;
});
