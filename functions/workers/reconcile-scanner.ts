import { failureOf } from '../../shared/domain/due.ts';
import { AppError } from '../../shared/errors.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import { measure } from '../lib/metrics.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { forgetDue } from '../stores/due.ts';
import type { ScannerState } from '../stores/status.ts';
import { type Edges as PublishingEdges, stores as publishingStores } from './publish-changed.ts';
import { reportedShadows, storeReported } from './store-reported.ts';
import { tellBackoff, tellPublished } from './tell.ts';

/** Requests to the shadow service for one look: those of a publication, and a read of each shadow that a Scanner reports in. */
const requestsPerLook = 6;

/** What a look at a Scanner reads and writes; an argument, so that a test can play any order of them. */
export interface Edges extends PublishingEdges {
  forgetDue: typeof forgetDue;
  reopenClearing: typeof reopenClearing;
  storeReported: (state: ScannerState, shadow: string) => Promise<boolean>;
}

const stores: Edges = { ...publishingStores, forgetDue, reopenClearing, storeReported };

const look = async (state: ScannerState, edges: Edges): Promise<void> => {
  const { scannerId } = state.scanner;
  await edges.wait(await edges.reserve('shadow', requestsPerLook));
  tellPublished(await edges.publish(scannerId, edges.now()), edges.now());
  for (const shadow of reportedShadows) await edges.storeReported(state, shadow);
};

const lookAgain = async (scannerId: string, edges: Edges): Promise<void> => {
  const state = await edges.findState(scannerId);
  if (!state) throw new AppError('NOT_FOUND', 'Its head or its registration is missing.');
  const { askedRequestId } = state.due ?? {};
  if (askedRequestId !== undefined) {
    note({ requestId: askedRequestId });
    logger.info('a look was asked for');
  }
  if (state.scanner.clearedAt !== undefined) return edges.forgetDue(scannerId, state.due);
  await (state.scanner.decommissionedAt === undefined
    ? look(state, edges)
    : edges.reopenClearing(state.scanner));
  await edges.lookLater(scannerId, state.due, edges.now());
};

/**
 * Does for a Scanner what events would have done, had none been lost: brings its shadows to its head, whoever changed them, and stores what it
 * reports (ADR 0015); of one that is decommissioned, it calls whoever clears away what is left (ADR 0017). Then it is due again a period later,
 * or soon when that failed.
 */
export const reconcileScanner = (scannerId: string, edges: Edges = stores): Promise<void> =>
  following({ scannerId }, () => lookOrTryAgain(scannerId, edges));

const lookOrTryAgain = async (scannerId: string, edges: Edges): Promise<void> => {
  try {
    measure('Looks');
    await lookAgain(scannerId, edges);
  } catch (error) {
    const { code } = failureOf(error, edges.now());
    tellBackoff('LookFailures', 'a look at a Scanner failed; it is tried again', { error, code });
    await edges.tryAgain(scannerId, error, edges.now());
  }
  await edges.refreshStanding(scannerId);
};
