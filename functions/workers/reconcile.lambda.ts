import * as z from 'zod/mini';
import { reconcileWake } from '../../shared/messages/wake.ts';
import { logger } from '../lib/logger.ts';
import { observed } from '../lib/observed.ts';
import { pagesOf } from '../lib/pages.ts';
import { inParallel } from '../lib/parallel.ts';
import { listDue } from '../stores/due.ts';
import { reconcileScanner } from './reconcile-scanner.ts';

const pageSize = 50;
const width = 10;

/** A run ends before the next begins. */
const runMs = 45_000;

/** A wake-up for one Scanner, or the event of the schedule. */
const event = z.union([reconcileWake, z.looseObject({ source: z.string() })]);

/**
 * Those that are due at a time, until the run's time is up; whoever is left stays due. A look that has begun may still wait for its turn, for as
 * long as the lane is booked ahead. Answers how many were looked at.
 */
const lookAtDue = async (now: Date): Promise<number> => {
  const isOver = () => Date.now() >= now.getTime() + runMs;
  let looked = 0;
  const look = async (scannerId: string): Promise<void> => {
    if (isOver()) return;
    looked += 1;
    await reconcileScanner(scannerId);
  };
  for await (const due of pagesOf((page) => listDue(now, page), pageSize)) {
    const scannerIds = due.map(({ scannerId }) => scannerId);
    for (const { item, error } of await inParallel(scannerIds, width, look))
      logger.error('a Scanner could not be looked at', { scannerId: item, cause: error as Error });
    if (isOver()) break;
  }
  return looked;
};

/** Each minute: the Scanners that are due. Or one, that an operator asked for. */
export const handler = observed(async (given: unknown): Promise<void> => {
  const wake = event.parse(given);
  if ('source' in wake) logger.info('Scanners were looked at', { count: await lookAtDue(new Date()) });
  else await reconcileScanner(wake.scannerId);
});
