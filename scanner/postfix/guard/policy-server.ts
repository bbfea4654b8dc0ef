import { once } from 'node:events';
import type { Socket } from 'node:net';
import { policyAnswer, policyReader } from './policy-protocol.ts';
import { type PolicyRequest, readPolicyRequest } from './policy-request.ts';

/** Answers a request with an action as in an access(5) table. */
export type Decide = (request: PolicyRequest) => Promise<string>;

const send = async (socket: Socket, text: string): Promise<void> => {
  if (!socket.write(text)) await once(socket, 'drain');
};

const answerAll = async (socket: Socket, decide: Decide): Promise<void> => {
  const read = policyReader();
  for await (const piece of socket)
    for (const attributes of read(piece as Uint8Array))
      await send(socket, policyAnswer(await decide(readPolicyRequest(attributes))));
};

/**
 * Serves one connection of an SMTP server: its requests one after another, in their order, however many were sent at once. When one cannot be
 * answered the connection ends without an answer: Postfix then asks once more, and defers.
 */
export const servePolicy =
  (decide: Decide, log: (line: string) => void) =>
  (socket: Socket): void => {
    answerAll(socket, decide).catch((error: Error) => {
      if (!socket.destroyed) log(`a policy request is not answered: ${error.message}`);
      socket.destroy();
    });
  };
