import { enableCompileCache, flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { nameSources } from './source-frames.ts';

// A stack starts many environments of the same sources, and each would compile all of them.
enableCompileCache();
nameSources(workerData.entry as string);

/** One execution environment of a function: it loads the entry once, and then handles one event at a time. */
interface Invocation {
  event: unknown;
  requestId: string;
  deadline: number;
}

type Handler = (event: unknown, context: object) => Promise<unknown>;

const port = parentPort;
if (!port) throw new TypeError('This file is the inside of a worker thread.');

const load = async (): Promise<Handler> => {
  const module = (await import(workerData.entry as string)) as { handler: Handler };
  flushCompileCache();
  return module.handler;
};

const contextOf = ({ requestId, deadline }: Invocation) => ({
  awsRequestId: requestId,
  functionName: workerData.name as string,
  functionVersion: '$LATEST',
  invokedFunctionArn: workerData.arn as string,
  memoryLimitInMB: '1024',
  logGroupName: `/aws/lambda/${workerData.name}`,
  logStreamName: 'embedded',
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

/** As Lambda shapes what a handler throws. */
const shape = (error: unknown) =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };

/** Most bytes of the log that an answer may carry (Lambda API reference, "Invoke", LogType). */
const tailBytes = 4096;
let tail = '';

/** Keeps what is written during an invocation besides writing it: it travels with the reply, and a stream's bytes may come after that. */
const keepTailOf = (stream: NodeJS.WriteStream): void => {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    tail = Buffer.from(tail + String(args[0]))
      .subarray(-tailBytes)
      .toString();
    return write(...args);
  };
};
keepTailOf(process.stdout);
keepTailOf(process.stderr);

const handler = load();
const loaded = () => port.postMessage({ loaded: true });
handler.then(loaded, loaded);

port.on('message', async (invocation: Invocation) => {
  tail = `START RequestId: ${invocation.requestId} Version: $LATEST\n`;
  const log = () => `${tail}END RequestId: ${invocation.requestId}\n`;
  try {
    const handle = await handler;
    const result = await handle(invocation.event, contextOf(invocation));
    // What leaves a function is JSON: members that JSON drops are dropped here, too.
    port.postMessage({ result: JSON.stringify(result ?? null), log: log() });
  } catch (error) {
    console.error(error);
    port.postMessage({ error: shape(error), log: log() });
  }
});
