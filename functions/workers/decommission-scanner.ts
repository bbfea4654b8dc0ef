import { randomUUID } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import {
  beginClearing,
  type Clearing,
  deleteReported,
  endClearing,
  leaveClearing,
} from '../stores/decommissions.ts';
import { deleteThing, revokeCertificate, revokeCertificatesOf } from '../stores/registry.ts';
import { getScanner, type ScannerRecord } from '../stores/scanners.ts';
import { closeConnection, deleteShadows } from '../stores/shadows.ts';

/** What a run reads, writes and takes away; an argument, so that a test can play any order of them. */
export interface Edges {
  getScanner: typeof getScanner;
  beginClearing: typeof beginClearing;
  endClearing: typeof endClearing;
  leaveClearing: typeof leaveClearing;
  revokeCertificate: typeof revokeCertificate;
  revokeCertificatesOf: typeof revokeCertificatesOf;
  closeConnection: typeof closeConnection;
  deleteShadows: typeof deleteShadows;
  deleteThing: typeof deleteThing;
  deleteReported: typeof deleteReported;
  newToken: () => string;
}

const stores: Edges = {
  getScanner,
  beginClearing,
  endClearing,
  leaveClearing,
  revokeCertificate,
  revokeCertificatesOf,
  closeConnection,
  deleteShadows,
  deleteThing,
  deleteReported,
  newToken: randomUUID,
};

/** How long one run may take. A call under way when it ends is over within the margin: no call waits longer (`functions/stores/faults.ts`). */
const leaseMs = 90_000;
const marginMs = 40_000;

/**
 * What is done, in this order. Without a certificate the Scanner cannot come back, then it is cut off, and then what it may have written last
 * goes. A certificate that was recorded but is attached no more is revoked, too. The thing goes after its shadows, which it does not take along.
 */
const stepsFor = ({ scannerId, certificateId }: ScannerRecord, edges: Edges): (() => Promise<void>)[] => [
  async () => (certificateId === undefined ? undefined : edges.revokeCertificate(certificateId)),
  () => edges.revokeCertificatesOf(scannerId),
  () => edges.closeConnection(scannerId),
  () => edges.deleteShadows(scannerId),
  () => edges.deleteThing(scannerId),
  () => edges.deleteReported(scannerId),
];

const assertInTime = ({ until, scannerId }: Clearing, clock: () => number): void => {
  if (clock() > until - marginMs)
    throw new AppError('UNAVAILABLE', `Clearing away after ${scannerId} takes too long; it is begun again.`);
};

const isToBeCleared = ({ decommissionedAt, clearedAt }: ScannerRecord): boolean =>
  decommissionedAt !== undefined && clearedAt === undefined;

/** One round, under the lease; true when there is nothing left to do. */
const clear = async (clearing: Clearing, clock: () => number, edges: Edges): Promise<boolean> => {
  const record = await edges.getScanner(clearing.scannerId);
  if (!isToBeCleared(record)) return true;
  for (const step of stepsFor(record, edges)) {
    assertInTime(clearing, clock);
    await step();
  }
  return edges.endClearing(clearing, record, new Date(clock()));
};

/** Again while something of the Scanner appears meanwhile. */
const rounds = 5;

/**
 * Clears away what a decommissioned Scanner left behind: certificates, connection, shadows, thing, status; its history stays. May run as
 * often as one likes: of a Scanner in service, or cleared already, it does nothing. UNAVAILABLE while another run is at it, so that who
 * asked comes again.
 */
export const decommission = (
  scannerId: string,
  clock: () => number = Date.now,
  edges: Edges = stores,
): Promise<void> => following({ scannerId }, () => clearAway(scannerId, clock, edges));

const clearAway = async (scannerId: string, clock: () => number, edges: Edges): Promise<void> => {
  const record = await edges.getScanner(scannerId);
  if (!isToBeCleared(record)) return;
  note({ requestId: record.decommissionRequestId });
  const now = clock();
  const clearing = { scannerId, token: edges.newToken(), until: now + leaseMs };
  if (!(await edges.beginClearing(clearing, new Date(now))))
    throw new AppError('UNAVAILABLE', `Another run clears away after ${scannerId}.`);
  try {
    for (let round = 0; round < rounds; round++)
      if (await clear(clearing, clock, edges)) return logger.info('cleared away');
    throw new AppError('UNAVAILABLE', `Something of ${scannerId} appears again and again.`);
  } finally {
    await edges.leaveClearing(clearing);
  }
};
