import type { State } from '../state.ts';
import type { JsonObject } from './json.ts';
import type { RequestLimits } from './request-limits.ts';
import { rejected, type ServiceMessage } from './shadow-messages.ts';
import { readGet, ShadowError, type ShadowKey, tokenOf } from './shadow-request.ts';
import { parseShadowTopic, type ShadowOperation, shadowPrefix } from './shadow-topics.ts';
import type { ShadowOutcome, Shadows } from './shadows.ts';
import type { TopicRules } from './topic-rules.ts';

/** A message on its way to MQTT subscribers. */
export interface Publication {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
}

/** Hands publications to the MQTT subscribers, in order; settles when they are written to the connections. */
export type Outlet = (publications: readonly Publication[]) => Promise<void>;

/**
 * For tests of those who listen to shadows: gets what one request publishes and answers what is delivered to MQTT
 * subscribers instead: some of it twice, in another order, later with the next request, or not at all.
 */
export type DeliveryFaults = (publications: readonly Publication[]) => readonly Publication[];

interface ShadowCall {
  key: ShadowKey;
  operation: ShadowOperation;
}

/** A message that somebody published. A last will is no request: the shadow service ignores it. */
export interface InboundMessage {
  topic: string;
  payload: Uint8Array;
  clientId?: string;
  lastWill?: boolean;
}

/**
 * Where messages meet the services. What a message causes (shadow, rule invocations) is committed in one transaction
 * before any call here returns; only then do subscribers see it.
 */
export interface MessageHub {
  /** Takes a message and answers a function that sends the services' own messages, for after the PUBACK. */
  receive(message: InboundMessage): () => Promise<void>;
  /** A shadow request over HTTP. @throws ShadowError; a refusal publishes nothing. */
  request(operation: ShadowOperation, key: ShadowKey, payload: Uint8Array): JsonObject;
  /** Messages of a service, to rules and subscribers; `work` runs in the same transaction. */
  announce(work: () => ServiceMessage[]): void;
  /** Hands a message to subscribers only. */
  forward(publication: Publication): Promise<void>;
  /** Sets where subscribers are. Without it, and after null, there are none. */
  connect(outlet: Outlet | null): void;
}

const encode = ({ topic, payload }: ServiceMessage): Publication => ({
  topic,
  payload: Buffer.from(JSON.stringify(payload)),
  qos: 1,
  retain: false,
});

const perform = (shadows: Shadows, { key, operation }: ShadowCall, payload: Uint8Array): ShadowOutcome => {
  if (operation === 'update') return shadows.update(key, payload);
  if (operation === 'get') return shadows.get(key, readGet(payload));
  return shadows.delete(key, tokenOf(payload));
};

/** The message that tells a refusal over MQTT; any other error is the caller's. */
const refusal = (
  error: unknown,
  { key, operation }: ShadowCall,
  payload: Uint8Array,
  now: Date,
): ServiceMessage => {
  if (!(error instanceof ShadowError)) throw error;
  const at = Math.floor(now.getTime() / 1000);
  const topic = `${shadowPrefix(key)}/${operation}/rejected`;
  return { topic, payload: rejected(error, at, tokenOf(payload)) };
};

/** Puts the parts together. */
export const messageHub = (parts: {
  state: State;
  shadows: Shadows;
  rules: TopicRules;
  limits: RequestLimits;
  now: () => Date;
  faults?: DeliveryFaults;
}): MessageHub => {
  const { state, shadows, rules, limits, now, faults = (publications) => publications } = parts;
  let outlet: Outlet | null = null;

  const send = async (publications: readonly Publication[]): Promise<void> => outlet?.(publications);

  const routed = (messages: ServiceMessage[]): Publication[] => {
    const publications = messages.map(encode);
    for (const publication of publications) rules.route(publication);
    return publications;
  };

  const receiveRequest = (message: InboundMessage, call: ShadowCall): (() => Promise<void>) => {
    let end = () => {};
    const answer = (): ServiceMessage[] => {
      try {
        end = limits.begin(call.key.thing);
        return perform(shadows, call, message.payload).messages;
      } catch (error) {
        return [refusal(error, call, message.payload, now())];
      }
    };
    try {
      const publications = state.transaction(() => {
        rules.route(message);
        return routed(answer());
      });
      return () => send(faults(publications)).finally(() => end());
    } catch (error) {
      end();
      throw error;
    }
  };

  const receive = (message: InboundMessage): (() => Promise<void>) => {
    const request = message.lastWill ? null : parseShadowTopic(message.topic);
    if (request) return receiveRequest(message, request);
    state.transaction(() => rules.route(message));
    return async () => {};
  };

  const request = (operation: ShadowOperation, key: ShadowKey, payload: Uint8Array): JsonObject => {
    const end = limits.begin(key.thing);
    try {
      const { answer, publications } = state.transaction(() => {
        const outcome = perform(shadows, { key, operation }, payload);
        // A get over HTTP is answered over HTTP only.
        const messages = operation === 'get' ? [] : outcome.messages;
        return { answer: outcome.answer, publications: routed(messages) };
      });
      void send(faults(publications));
      return answer;
    } finally {
      end();
    }
  };

  const announce = (work: () => ServiceMessage[]): void => {
    const publications = state.transaction(() => routed(work()));
    void send(publications);
  };

  return {
    receive,
    request,
    announce,
    forward: (publication) => send([publication]),
    connect: (next) => {
      outlet = next;
    },
  };
};
