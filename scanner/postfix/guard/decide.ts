import {
  type Direction,
  type GuardListener,
  type GuardRules,
  placesOf,
  verdictOf,
} from '../guard-configuration.ts';
import { wayOf } from './access.ts';
import { actions } from './actions.ts';
import type { Connection } from './connections.ts';
import { mailRefusal } from './mail-rules.ts';
import type { PolicyRequest } from './policy-request.ts';
import type { Decide } from './policy-server.ts';
import type { QueueCounts } from './queue-counts.ts';
import type { RecipientCounts } from './quotas.ts';
import type { SessionRegistry } from './sessions.ts';
import type { GuardVersion, VersionStore } from './versions.ts';

/** What decisions are made from besides the request. */
export interface World {
  versions: Pick<VersionStore, 'find'>;
  sessions: SessionRegistry;
  quotas: RecipientCounts;
  /** The connections that there are, read after the call. */
  connections: () => Promise<readonly Connection[]>;
  queued: QueueCounts;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
}

/** A request of a client that is let in, with the rules that hold for it. */
interface Case {
  request: PolicyRequest;
  version: GuardVersion;
  listener: GuardListener;
  direction: Direction;
  rules: GuardRules;
}

const connectionOf = ({ client, clientPort, server }: PolicyRequest): Connection => ({
  client: { address: client.address, port: clientPort },
  server,
});

const isQueueFull = async ({ version, rules }: Case, { queued }: World): Promise<boolean> => {
  const { queueDirectory: directory } = version.configuration;
  for (const { folders, max } of rules.queueLimits)
    if ((await queued({ directory, queues: folders })) >= max) return true;
  return false;
};

const onConnect = async (one: Case, world: World): Promise<string> => {
  if (await isQueueFull(one, world)) return actions.queueFull;
  const connections = await world.connections();
  const { direction, rules: limits, version } = one;
  const servers = Object.values(version.configuration.listeners).filter(({ directions }) =>
    directions.includes(direction),
  );
  const connection = connectionOf(one.request);
  const admission = { connection, direction, version: version.name, limits, servers };
  return world.sessions.admit(admission, connections) ?? actions.goOn;
};

/** Of the places of a listener, those that clients may hold who are refused and do not go. */
const refusedShare = 1 / 4;

/** With 554 or 450 Postfix waits for the client to go, minutes long; with 421 it sends it away: so refused clients leave places for others. */
const onRefused = async (
  request: PolicyRequest,
  { version, listener }: Pick<Case, 'version' | 'listener'>,
  refusal: string,
  { sessions, connections }: World,
): Promise<string> => {
  if (request.state !== 'CONNECT') return refusal;
  const most = Math.floor(placesOf(listener, version.rules) * refusedShare);
  return (await sessions.refuse(connectionOf(request), most, connections)) ? refusal : actions.tooManyRefused;
};

const onMail = ({ request, direction, listener, rules }: Case, { sessions, quotas, now }: World): string => {
  const quota = rules.senderRecipientQuota;
  const counted = {
    messages: sessions.messages(connectionOf(request)),
    quotaCrossed: quota !== null && quotas.isCrossed(request.sender, quota, now()),
  };
  return mailRefusal(request, direction, listener, rules, counted) ?? actions.goOn;
};

/**
 * What counts is a message whose recipients are known and whose data comes: one that is taken back before (RSET) is none. Which way it goes is said
 * again: Postfix takes `<postmaster>` without asking at RCPT (smtpd(8), RFC 5321 section 4.5.1), and such a message has no verdict yet.
 */
const onData = ({ request, direction, rules }: Case, { sessions, quotas, now }: World): string => {
  sessions.addMessage(connectionOf(request), direction);
  const quota = rules.senderRecipientQuota;
  if (quota) quotas.add(request.sender, request.recipients, quota, now());
  return verdictOf(direction);
};

const inState = (one: Case, world: World): Promise<string> | string => {
  switch (one.request.state) {
    case 'CONNECT':
      return onConnect(one, world);
    case 'MAIL':
      return onMail(one, world);
    case 'RCPT':
      return verdictOf(one.direction);
    case 'DATA':
      return onData(one, world);
    default:
      return actions.goOn;
  }
};

/** Decides what Postfix asks, each time by the rules of the version that asks: who is not let in is refused at every command. */
export const decider =
  (world: World): Decide =>
  async (request) => {
    const letInBy = request.state === 'CONNECT' ? null : world.sessions.versionOf(connectionOf(request));
    const found = world.versions.find(request.context, letInBy);
    if (!found) return actions.unknownVersion;
    const { version, listener } = found;
    const way = wayOf(request.client, listener, version);
    if (way === 'refused') return onRefused(request, found, actions.notListed, world);
    if (way === 'unverified') return onRefused(request, found, actions.nameUnverified, world);
    const rules = version.rules[way];
    if (!rules) return actions.unknownVersion;
    return inState({ request, version, listener, direction: way, rules }, world);
  };
