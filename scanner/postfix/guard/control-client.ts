import { connect, type Socket } from 'node:net';
import {
  type ControlAnswer,
  type ControlRequest,
  controlAnswer,
  type GuardStatus,
  longestControlLine,
} from './control-protocol.ts';
import { lineReader, utf8Of } from './lines.ts';

/** The guard has not done what it was asked; the message says why. */
export class GuardRefused extends Error {
  override readonly name = 'GuardRefused';
}

const firstAnswer = async (socket: Socket): Promise<ControlAnswer> => {
  const read = lineReader(longestControlLine);
  for await (const piece of socket) {
    const [line] = read(piece as Uint8Array);
    if (line !== undefined) return controlAnswer.parse(JSON.parse(utf8Of(line)));
  }
  throw new Error('The guard has ended the connection without an answer.');
};

/**
 * Asks the guard over its control socket; a list of a million entries takes it about a second.
 * @throws GuardRefused when it says why not; what connecting throws when no guard runs.
 */
export const askGuard = async (
  path: string,
  request: ControlRequest,
  timeoutMs = 60_000,
): Promise<GuardStatus> => {
  const socket = connect(path);
  socket.setTimeout(timeoutMs, () =>
    socket.destroy(new Error(`The guard has not answered in ${timeoutMs} ms.`)),
  );
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const answer = await firstAnswer(socket);
    if (!answer.ok) throw new GuardRefused(answer.message);
    return answer.status;
  } finally {
    socket.destroy();
  }
};
