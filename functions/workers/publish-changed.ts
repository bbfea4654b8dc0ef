import { failureOf } from '../../shared/domain/due.ts';
import { requireEnv } from '../lib/env.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import { wait } from '../lib/wait.ts';
import { lookLater, tryAgain } from '../stores/due.ts';
import { reserve } from '../stores/pace.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, type ScannerState } from '../stores/status.ts';
import { publishScanner } from './publish-scanner.ts';
import { tellBackoff, tellPublished } from './tell.ts';

/** Requests to the shadow service for one publication: two shadows read, two written. */
const requestsPerPublication = 4;

/** Requests for one change in all: the publication's, and those of the Scanner and of the report worker that it brings about. */
const requestsPerChange = 10;

/** Whether the shadow has to be touched: not where an earlier publication took this revision along, or something else woke us. */
const isWanted = ({ scanner, head, published }: ScannerState): boolean =>
  scanner.enabled && head.configuration.smtp !== null && published?.revision !== head.revision;

/** Milliseconds until a thing that was published to a moment ago has room for another change at its rate; what is saved meanwhile goes along. */
const spacing = ({ published }: ScannerState): number => {
  const interval = (requestsPerChange * 1000) / Number(requireEnv('THING_RATE'));
  return published ? Math.max(0, Date.parse(published.at) + interval - Date.now()) : 0;
};

const publishInTurn = async (state: ScannerState): Promise<void> => {
  const { scannerId } = state.scanner;
  await wait(Math.max(await reserve('shadow', requestsPerPublication), spacing(state)));
  tellPublished(await publishScanner(scannerId, new Date()), new Date());
};

/** Publishes, and writes down how it went: a Scanner that fails is tried again soon, and holds up none of those its change came with. */
const publish = async (state: ScannerState): Promise<void> => {
  const { scannerId } = state.scanner;
  try {
    await publishInTurn(state);
    if (state.due?.failures) await lookLater(scannerId, state.due, new Date());
  } catch (error) {
    const { code } = failureOf(error, new Date());
    tellBackoff('PublishFailures', 'publishing failed; it is tried again', { error, code });
    await tryAgain(scannerId, error, new Date());
  }
};

const stateOf = async (scannerId: string): Promise<ScannerState | null> => {
  try {
    return await findState(scannerId);
  } catch (error) {
    logger.error('the state of a Scanner cannot be read', { cause: error as Error });
    await tryAgain(scannerId, error, new Date());
    return null;
  }
};

/**
 * A Scanner's head or registration has changed: publishes what its shadow does not have yet, at the rates of the account and of the thing. What
 * fails is kept in the due index (ADR 0015); this throws only where not even that can be written.
 */
export const publishChanged = (scannerId: string): Promise<void> =>
  following({ scannerId }, () => publishIfWanted(scannerId));

const publishIfWanted = async (scannerId: string): Promise<void> => {
  const state = await stateOf(scannerId);
  if (!state || state.scanner.decommissionedAt !== undefined) return;
  note({ requestId: state.head.requestId, revision: state.head.revision });
  if (!state.due) await lookLater(scannerId, undefined, new Date());
  if (isWanted(state)) await publish(state);
  await refreshStanding(scannerId);
};
