import type { StackModel } from '../model.ts';
import type { Arns } from './arns.ts';
import type { Certificates } from './certificates.ts';
import { bindPolicies, type CompiledPolicy, compilePolicy, type Permission } from './policy.ts';
import { parseShadowTopic } from './shadow-topics.ts';
import type { ThingPrincipals } from './thing-principals.ts';
import type { Things } from './things.ts';
import { isTopicFilter, withinTopicLimits } from './topic-filter.ts';

/** What one connection may do, by the policies attached to its certificate now. */
export interface ConnectionAccess {
  connect(): boolean;
  publish(topic: string, retain: boolean): boolean;
  subscribe(filter: string): boolean;
  receive(topic: string): boolean;
}

/** Decides for connections; what was decided is remembered until `forget`. */
export interface BrokerAccess {
  of(clientId: string, certificate: string): ConnectionAccess;
  /** After a change to policies, certificates or things: decide anew. */
  forget(): void;
  hasPolicy(name: string): boolean;
}

/** Most decisions remembered for one connection. */
const rememberedDecisions = 1000;

const remembered = (decide: Permission): Permission => {
  const decisions = new Map<string, boolean>();
  return (action, resource) => {
    const key = `${action} ${resource}`;
    const known = decisions.get(key);
    if (known !== undefined) return known;
    if (decisions.size >= rememberedDecisions) decisions.clear();
    const decision = decide(action, resource);
    decisions.set(key, decision);
    return decision;
  };
};

/**
 * Topics that start with `$` are the service's. Clients publish requests to shadows there and nothing else
 * ("Reserved topics", AWS IoT developer guide: unsupported publishes can end the connection).
 */
const isPublishable = (topic: string): boolean =>
  withinTopicLimits(topic) && (!topic.startsWith('$') || parseShadowTopic(topic) !== null);

const isSubscribable = (filter: string): boolean =>
  withinTopicLimits(filter) &&
  isTopicFilter(filter) &&
  (!filter.startsWith('$') || filter.startsWith('$aws/'));

/**
 * Access by the stack's policies.
 * @throws Error naming the policy that the embedded broker cannot honour.
 */
export const brokerAccess = (parts: {
  policies: StackModel['iotPolicies'];
  certificates: Certificates;
  things: Things;
  principals: ThingPrincipals;
  arns: Arns;
}): BrokerAccess => {
  const { certificates, things, principals, arns } = parts;
  const compiled = new Map(parts.policies.map(({ name, document }) => [name, compile(name, document)]));
  let generation = 0;

  const permissionOf = (clientId: string, certificate: string): Permission => {
    const attached = principals.isAttached(clientId, certificate) ? things.find(clientId) : undefined;
    const policies = certificates.policiesOf(certificate).flatMap((name) => compiled.get(name) ?? []);
    return remembered(bindPolicies(policies, { clientId, ...(attached && { thing: attached }) }));
  };

  const of = (clientId: string, certificate: string): ConnectionAccess => {
    let bound: { generation: number; permission: Permission } | undefined;
    const may = (action: string, kind: string, name: string): boolean => {
      if (bound?.generation !== generation)
        bound = { generation, permission: permissionOf(clientId, certificate) };
      return bound.permission(`iot:${action}`, arns.of(kind, name));
    };
    return {
      connect: () => may('Connect', 'client', clientId),
      publish: (topic, retain) =>
        isPublishable(topic) &&
        may('Publish', 'topic', topic) &&
        (!retain || may('RetainPublish', 'topic', topic)),
      subscribe: (filter) => isSubscribable(filter) && may('Subscribe', 'topicfilter', filter),
      receive: (topic) => may('Receive', 'topic', topic),
    };
  };

  return {
    of,
    forget: () => {
      generation += 1;
    },
    hasPolicy: (name) => compiled.has(name),
  };
};

const compile = (name: string, document: Parameters<typeof compilePolicy>[0]): CompiledPolicy => {
  try {
    return compilePolicy(document);
  } catch (error) {
    throw new Error(`IoT policy ${name} cannot be honoured: ${(error as Error).message}`, { cause: error });
  }
};
