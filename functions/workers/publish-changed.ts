import { failureOf } from '../../shared/domain/due.ts';
import type { Published } from '../../shared/domain/status.ts';
import { requireEnv } from '../lib/env.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import { wait } from '../lib/wait.ts';
import { lookLater, tryAgain } from '../stores/due.ts';
import { reserve } from '../stores/pace.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, type ScannerState } from '../stores/status.ts';
import { publishScanner, requestsPerRound } from './publish-scanner.ts';
import { tellBackoff, tellPublished } from './tell.ts';

/** What whoever publishes a change reads and writes; an argument, so that a test can play any order of them. */
export interface Edges {
  findState: typeof findState;
  lookLater: typeof lookLater;
  tryAgain: typeof tryAgain;
  refreshStanding: (scannerId: string) => Promise<void>;
  reserve: typeof reserve;
  wait: (ms: number) => Promise<void>;
  /** Answers what was published now and had not been before. */
  publish: (scannerId: string, now: Date) => Promise<Published | null>;
  now: () => Date;
}

/** The edges in service. */
export const stores: Edges = {
  findState,
  lookLater,
  tryAgain,
  refreshStanding,
  reserve,
  wait,
  publish: publishScanner,
  now: () => new Date(),
};

/** Requests for one change in all: the publication's, and those of the Scanner and of the report worker that it brings about. */
const requestsPerChange = 10;

/** Whether the shadow has to be touched: not where an earlier publication took this revision along, or something else woke us. */
const isWanted = ({ scanner, head, published }: ScannerState): boolean =>
  scanner.enabled && head.configuration.smtp !== null && published?.revision !== head.revision;

/** Milliseconds until a thing that was published to a moment ago has room for another change at its rate; what is saved meanwhile goes along. */
const spacing = ({ published }: ScannerState, now: Date): number => {
  const interval = (requestsPerChange * 1000) / Number(requireEnv('THING_RATE'));
  const left = published ? Date.parse(published.at) + interval - now.getTime() : 0;
  // Another's clock may be ahead of ours.
  return Math.min(interval, Math.max(0, left));
};

const publishInTurn = async (state: ScannerState, edges: Edges): Promise<void> => {
  const { scannerId } = state.scanner;
  await edges.wait(Math.max(await edges.reserve('shadow', requestsPerRound), spacing(state, edges.now())));
  tellPublished(await edges.publish(scannerId, edges.now()), edges.now());
};

/** Publishes, and writes down how it went: a Scanner that fails is tried again soon, and holds up none of those its change came with. */
const publish = async (state: ScannerState, edges: Edges): Promise<void> => {
  const { scannerId } = state.scanner;
  try {
    await publishInTurn(state, edges);
    if (state.due?.failures) await edges.lookLater(scannerId, state.due, edges.now());
  } catch (error) {
    const { code } = failureOf(error, edges.now());
    tellBackoff('PublishFailures', 'publishing failed; it is tried again', { error, code });
    await edges.tryAgain(scannerId, error, edges.now());
  }
};

const stateOf = async (scannerId: string, edges: Edges): Promise<ScannerState | null> => {
  try {
    return await edges.findState(scannerId);
  } catch (error) {
    logger.error('the state of a Scanner cannot be read', { cause: error as Error });
    await edges.tryAgain(scannerId, error, edges.now());
    return null;
  }
};

/**
 * A Scanner's head or registration has changed: publishes what its shadow does not have yet, at the rates of the account and of the thing. What
 * fails is kept in the due index (ADR 0015); this throws only where not even that can be written.
 */
export const publishChanged = (scannerId: string, edges: Edges = stores): Promise<void> =>
  following({ scannerId }, () => publishIfWanted(scannerId, edges));

const publishIfWanted = async (scannerId: string, edges: Edges): Promise<void> => {
  const state = await stateOf(scannerId, edges);
  if (!state || state.scanner.decommissionedAt !== undefined) return;
  note({ requestId: state.head.requestId, revision: state.head.revision });
  if (!state.due) await edges.lookLater(scannerId, undefined, edges.now());
  if (isWanted(state)) await publish(state, edges);
  await edges.refreshStanding(scannerId);
};
