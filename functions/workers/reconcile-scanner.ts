import { failureOf } from '../../shared/domain/due.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import { measure } from '../lib/metrics.ts';
import { wait } from '../lib/wait.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { forgetDue, lookLater, tryAgain } from '../stores/due.ts';
import { reserve } from '../stores/pace.ts';
import { refreshStanding } from '../stores/standing.ts';
import { findState, type ScannerState } from '../stores/status.ts';
import { publishScanner } from './publish-scanner.ts';
import { reportedShadows, storeReported } from './store-reported.ts';
import { tellBackoff, tellPublished } from './tell.ts';

/** Requests to the shadow service for one look: those of a publication, and a read of each shadow that a Scanner reports in. */
const requestsPerLook = 6;

const look = async (state: ScannerState): Promise<void> => {
  const { scannerId } = state.scanner;
  await wait(await reserve('shadow', requestsPerLook));
  tellPublished(await publishScanner(scannerId, new Date()), new Date());
  for (const shadow of reportedShadows) await storeReported(state, shadow);
};

const lookAgain = async (scannerId: string): Promise<void> => {
  const state = await findState(scannerId);
  if (!state) return;
  const { askedRequestId } = state.due ?? {};
  if (askedRequestId !== undefined) {
    note({ requestId: askedRequestId });
    logger.info('a look was asked for');
  }
  if (state.scanner.clearedAt !== undefined) return forgetDue(scannerId, state.due);
  await (state.scanner.decommissionedAt === undefined ? look(state) : reopenClearing(state.scanner));
  await lookLater(scannerId, state.due, new Date());
};

/**
 * Does for a Scanner what events would have done, had none been lost: brings its shadows to its head, whoever changed them, and stores what it
 * reports (ADR 0015); of one that is decommissioned, it calls whoever clears away what is left (ADR 0017). Then it is due again a period later,
 * or soon when that failed.
 */
export const reconcileScanner = (scannerId: string): Promise<void> =>
  following({ scannerId }, () => lookOrTryAgain(scannerId));

const lookOrTryAgain = async (scannerId: string): Promise<void> => {
  try {
    measure('Looks');
    await lookAgain(scannerId);
  } catch (error) {
    const { code } = failureOf(error, new Date());
    tellBackoff('LookFailures', 'a look at a Scanner failed; it is tried again', { error, code });
    await tryAgain(scannerId, error, new Date());
  }
  await refreshStanding(scannerId);
};
