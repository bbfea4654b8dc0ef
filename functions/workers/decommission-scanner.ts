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

/** How long one run may take. A call under way when it ends is over within the margin: no call waits longer (`functions/stores/faults.ts`). */
const leaseMs = 90_000;
const marginMs = 40_000;

/**
 * What is done, in this order. Without a certificate the Scanner cannot come back, then it is cut off, and then what it may have written last
 * goes. A certificate that was recorded but is attached no more is revoked, too. The thing goes after its shadows, which it does not take along.
 */
const stepsFor = ({ scannerId, certificateId }: ScannerRecord): (() => Promise<void>)[] => [
  async () => (certificateId === undefined ? undefined : revokeCertificate(certificateId)),
  () => revokeCertificatesOf(scannerId),
  () => closeConnection(scannerId),
  () => deleteShadows(scannerId),
  () => deleteThing(scannerId),
  () => deleteReported(scannerId),
];

const assertInTime = ({ until, scannerId }: Clearing, clock: () => number): void => {
  if (clock() > until - marginMs)
    throw new AppError('UNAVAILABLE', `Clearing away after ${scannerId} takes too long; it is begun again.`);
};

const isToBeCleared = ({ decommissionedAt, clearedAt }: ScannerRecord): boolean =>
  decommissionedAt !== undefined && clearedAt === undefined;

/** One round, under the lease; true when there is nothing left to do. */
const clear = async (clearing: Clearing, clock: () => number): Promise<boolean> => {
  const record = await getScanner(clearing.scannerId);
  if (!isToBeCleared(record)) return true;
  for (const step of stepsFor(record)) {
    assertInTime(clearing, clock);
    await step();
  }
  return endClearing(clearing, record, new Date(clock()));
};

/** Again while something of the Scanner appears meanwhile. */
const rounds = 5;

/**
 * Clears away what a decommissioned Scanner left behind: certificates, connection, shadows, thing, status; its history stays. May run as
 * often as one likes: of a Scanner in service, or cleared already, it does nothing. UNAVAILABLE while another run is at it, so that who
 * asked comes again.
 */
export const decommission = (scannerId: string, clock: () => number = Date.now): Promise<void> =>
  following({ scannerId }, () => clearAway(scannerId, clock));

const clearAway = async (scannerId: string, clock: () => number): Promise<void> => {
  const record = await getScanner(scannerId);
  if (!isToBeCleared(record)) return;
  note({ requestId: record.decommissionRequestId });
  const now = clock();
  const clearing = { scannerId, token: randomUUID(), until: now + leaseMs };
  if (!(await beginClearing(clearing, new Date(now))))
    throw new AppError('UNAVAILABLE', `Another run clears away after ${scannerId}.`);
  try {
    for (let round = 0; round < rounds; round++)
      if (await clear(clearing, clock)) return logger.info('cleared away');
    throw new AppError('UNAVAILABLE', `Something of ${scannerId} appears again and again.`);
  } finally {
    await leaveClearing(clearing);
  }
};
