import { type Desired, desiredOf } from '../../shared/domain/desired.ts';
import { shadowDifference } from '../../shared/domain/shadow-difference.ts';
import type { Published } from '../../shared/domain/status.ts';
import { AppError } from '../../shared/errors.ts';
import { advancedShadow, smtpShadow } from '../../shared/messages/shadow.ts';
import { wait } from '../lib/wait.ts';
import { reopenClearing } from '../stores/decommissions.ts';
import { sha256 } from '../stores/objects.ts';
import { reserve } from '../stores/pace.ts';
import { getShadow, type ShadowDocument, updateShadow } from '../stores/shadows.ts';
import { putPublished, readState, type ScannerState } from '../stores/status.ts';

/** Requests to the shadow service for one round: two shadows read, two written. */
export const requestsPerRound = 4;

/** A shadow that a Scanner writes to at the same time moves under us; more tries than it has writes for one apply. */
const attempts = 10;

type Step = 'again' | 'nothing' | { gone: ScannerState['scanner'] } | Omit<Published, 'at'>;

const wantedOf = (state: Pick<ScannerState, 'head' | 'scanner'>): Desired | null =>
  state.scanner.enabled && state.scanner.decommissionedAt === undefined
    ? desiredOf(state.head, sha256)
    : null;

/** What a publisher reads and writes; an argument, so that a test can play any order of them. */
export interface Edges {
  getShadow: typeof getShadow;
  updateShadow: typeof updateShadow;
  readState: (scannerId: string) => Promise<Pick<ScannerState, 'head' | 'scanner'>>;
  putPublished: typeof putPublished;
  reopenClearing: typeof reopenClearing;
  /** Waits for the turn of a further round: whoever woke us has booked the first alone. */
  awaitTurn: () => Promise<void>;
}

const stores: Edges = {
  getShadow,
  updateShadow,
  readState,
  putPublished,
  reopenClearing,
  awaitTurn: async () => wait(await reserve('shadow', requestsPerRound)),
};

/** Brings a shadow from what was read to what is wanted, and answers its version; null when it has moved meanwhile, or is only now made. */
const bring = async (
  edges: Edges,
  shadow: { scannerId: string; name: string; present: ShadowDocument | null },
  wanted: object,
): Promise<number | null> => {
  const { scannerId, name, present } = shadow;
  if (!present) {
    await edges.updateShadow(scannerId, name, {});
    return null;
  }
  const difference = shadowDifference(present.state.desired ?? {}, { ...wanted });
  return difference
    ? edges.updateShadow(scannerId, name, { desired: difference }, present.version)
    : present.version;
};

/**
 * One round: the shadows are read first and the head after them, so what is sent is at least as new as what it replaces; a shadow's version
 * makes the update fail where another publisher was faster. `smtp`, which names the state of the other, comes last (DESIGN 5).
 */
const publishOnce = async (scannerId: string, edges: Edges): Promise<Step> => {
  const read = async (name: string) => ({ scannerId, name, present: await edges.getShadow(scannerId, name) });
  const [smtp, advanced] = await Promise.all([read(smtpShadow), read(advancedShadow)]);
  const state = await edges.readState(scannerId);
  const wanted = wantedOf(state);
  if (state.scanner.decommissionedAt !== undefined) return { gone: state.scanner };
  if (!wanted) return 'nothing';
  if ((await bring(edges, advanced, wanted.advanced)) === null) return 'again';
  const version = await bring(edges, smtp, wanted.smtp);
  return version === null ? 'again' : publishedOf(state, version);
};

/** What is kept of a publication: which revision, where it comes from, and since when it is. */
const publishedOf = (
  { head, scanner }: Pick<ScannerState, 'head' | 'scanner'>,
  shadowVersion: number,
): Omit<Published, 'at'> => ({
  epoch: scanner.epoch,
  revision: head.revision,
  shadowVersion,
  committedAt: head.updatedAt,
  ...(head.requestId === undefined ? {} : { requestId: head.requestId }),
});

/**
 * Brings the shadows of a Scanner to its head, whatever woke us and however often (DESIGN 5). Whoever fails in between must run again: it
 * may have left one shadow ahead of the other, which a Scanner waits out. Answers what was published now and had not been before; null where
 * there was nothing to publish, or somebody had done it.
 */
export const publishScanner = async (
  scannerId: string,
  now: Date,
  edges: Edges = stores,
): Promise<Published | null> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await edges.awaitTurn();
    const step = await publishOnce(scannerId, edges);
    if (step === 'nothing') return null;
    if (typeof step === 'object' && 'gone' in step) {
      // A shadow that was made in the round before may have come after the Scanner was cleared away.
      if (attempt > 0) await edges.reopenClearing(step.gone);
      return null;
    }
    if (step !== 'again') {
      const published = { ...step, at: now.toISOString() };
      return (await edges.putPublished(scannerId, published)) ? published : null;
    }
  }
  throw new AppError('THROTTLED', `The shadow of ${scannerId} moves faster than it can be written.`);
};
