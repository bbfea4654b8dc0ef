import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Conversation, openConversation, RequestRefused } from '../../scanner/conversation.ts';
import { type Identity, makeIdentity } from '../../scanner/identity.ts';
import { reportChange, reportedOf } from '../../scanner/report.ts';
import { type ReportStatus, type SmtpDesired, smtpShadow } from '../../shared/messages/shadow.ts';
import type { StackProcess } from './stack.ts';

/** What a puppet says of a revision: that it runs it, that it never will, that it could not; or nothing. */
export type Answer = Omit<ReportStatus, 'revision' | 'at'> | 'silence';

/** A Scanner on a real connection whose answers the test decides; it keeps nothing and fetches nothing. */
export interface Puppet {
  readonly id: string;
  /** What it says of each revision from now on, and of the one that it has. */
  answer(to: (revision: number) => Answer): Promise<void>;
  /** Revisions that it was shown, in order. */
  readonly shown: number[];
  /** Connects, or connects again, to where the stack is now. */
  connect(): Promise<void>;
  close(): Promise<void>;
}

const isPassing = (error: unknown): boolean =>
  error instanceof RequestRefused && (error.code === 429 || Number(error.code) >= 500);

const applies = (): Answer => ({ code: 'applied' });

/** Registers and enrols a Scanner and connects as it. */
export const startPuppet = async (
  stack: StackProcess,
  id: string,
  registration: object = {},
): Promise<Puppet> => {
  const made = await stack.call('POST', '/scanners', { scannerId: id, ...registration });
  if (made.status !== 201) throw new Error(`${id}: ${made.status} ${JSON.stringify(made.body)}`);
  const identity = await makeIdentity(
    id,
    async (csr) =>
      (await stack.call('POST', `/scanners/${id}/certificates`, { csr })).body as Awaited<
        ReturnType<Parameters<typeof makeIdentity>[1]>
      >,
  );
  return connected(stack, id, identity);
};

const connected = async (stack: StackProcess, id: string, identity: Identity): Promise<Puppet> => {
  const { mqtt: _, ...credentials } = identity;
  const shown: number[] = [];
  let to: (revision: number) => Answer = applies;
  let conversation: Conversation | undefined;
  let work: Promise<unknown> = Promise.resolve();

  const speak = async (): Promise<void> => {
    const state = await conversation?.shadow(smtpShadow);
    const desired = state?.desired as SmtpDesired | undefined;
    if (!desired?.revision) return;
    const { revision } = desired;
    if (shown.at(-1) !== revision) shown.push(revision);
    const answer = to(revision);
    if (answer === 'silence') return;
    const status = { revision, ...answer, at: new Date().toISOString() };
    const held = (state?.reported ?? {}) as Record<string, unknown>;
    const applied =
      answer.code === 'applied' ? desired : ({ ...held, status: undefined } as unknown as SmtpDesired);
    const change = reportChange(held, reportedOf(applied, status));
    if (change) await conversation?.report(smtpShadow, change);
  };
  /** As a Scanner does, it asks again after a refusal that passes (a thing has room for 20 requests a second); a connection that ended says nothing more. */
  const persist = async (): Promise<void> => {
    const talking = conversation;
    for (;;)
      try {
        return await speak();
      } catch (error) {
        if (!isPassing(error) || conversation !== talking) return;
        await setTimeout(250);
      }
  };
  // One after the other.
  const again = (): Promise<unknown> => {
    work = work.then(persist);
    return work;
  };
  const puppet: Puppet = {
    id,
    shown,
    async answer(next) {
      to = next;
      await again();
    },
    async connect() {
      const link = { ...stack.endpoints.mqtt, ...credentials, clientId: id };
      const listener = { onDelta: () => void again(), newId: randomUUID, patience: 60_000 };
      conversation = await openConversation(link, listener, new AbortController().signal);
      await again();
    },
    async close() {
      await conversation?.close();
      conversation = undefined;
    },
  };
  await puppet.connect();
  return puppet;
};
