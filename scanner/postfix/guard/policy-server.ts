import type { Socket } from 'node:net';
import { policyAnswer, policyReader } from './policy-protocol.ts';
import { type PolicyRequest, readPolicyRequest } from './policy-request.ts';
import { answering } from './unix-server.ts';

/** Answers a request with an action as in an access(5) table. */
export type Decide = (request: PolicyRequest) => Promise<string>;

/**
 * Serves a connection of an SMTP server: its requests one after another, in their order, however many were sent at once. When one cannot be
 * answered the connection ends without an answer: Postfix then asks once more, and defers.
 */
export const servePolicy = (decide: Decide, log: (line: string) => void): ((socket: Socket) => void) =>
  answering(
    async function* (pieces) {
      const read = policyReader();
      for await (const piece of pieces)
        for (const attributes of read(piece)) yield policyAnswer(await decide(readPolicyRequest(attributes)));
    },
    (error) => log(`a policy request is not answered: ${error.message}`),
  );
