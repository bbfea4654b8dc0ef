import type { Head } from '../../shared/domain/configuration.ts';
import { AppError, hasCode } from '../../shared/errors.ts';
import { following, note } from '../lib/followed.ts';
import { logger } from '../lib/logger.ts';
import { pagesOf } from '../lib/pages.ts';
import { inParallel } from '../lib/parallel.ts';
import { type FleetArtifact, findFleetArtifact, listUsers } from '../stores/fleet-artifacts.ts';
import { type Change, changeConfiguration } from '../stores/heads.ts';
import { deleteLoose, retiredObjects } from '../stores/secrets.ts';

const operation = 'renew-artifact';

/** Scanners of one page, and how many of them at a time: each has a partition of its own, so they do not stand in each other's way. */
const pageSize = 100;
const width = 8;

/** The present digest, read again each time: while this runs, somebody may have renewed once more. */
const renewed = async (head: Head, name: string): Promise<Change<null>> => {
  const { configuration } = head;
  const digest = (await findFleetArtifact(name))?.digest;
  const unchanged = digest === undefined || configuration.artifacts[name] === undefined;
  return {
    configuration: unchanged
      ? configuration
      : { ...configuration, artifacts: { ...configuration.artifacts, [name]: digest } },
    result: null,
  };
};

/** Makes a revision of a Scanner whose head names an older digest; of one that is done already it makes none. */
const renewScanner = async (
  scannerId: string,
  { artifact, updatedBy, requestId }: FleetArtifact,
  at: Date,
) => {
  try {
    await changeConfiguration({
      scannerId,
      part: 'artifacts',
      operation,
      actor: { name: updatedBy, requestId },
      at,
      compute: (head) => renewed(head, artifact),
    });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND') && !hasCode(error, 'SCANNER_DECOMMISSIONED')) throw error;
    logger.info('nothing to renew: the Scanner is gone', { scannerId, artifact });
  }
};

/** Brings every Scanner that uses an artifact to its present text. Answers of how many that failed. */
const renewUsers = async (record: FleetArtifact, now: Date): Promise<number> => {
  let failed = 0;
  const users = (page: { limit: number; cursor: string | undefined }) => listUsers(record.artifact, page);
  for await (const items of pagesOf(users, pageSize)) {
    const failures = await inParallel(items, width, ({ scannerId }) => renewScanner(scannerId, record, now));
    for (const { item, error } of failures)
      logger.error('scanner not renewed', {
        scannerId: item.scannerId,
        artifact: record.artifact,
        cause: error as Error,
      });
    failed += failures.length;
  }
  return failed;
};

/**
 * Brings everything that uses an artifact to what its record says, and then deletes the texts that nobody names any more: first those that
 * may be named are gone from every head, and only then their objects. Whatever woke us and however often; what is done is not done again.
 * UNAVAILABLE where some Scanner could not be renewed: the others are, and the old text stays for it.
 */
export const renewArtifact = (artifact: string, now: Date): Promise<void> =>
  following({ artifact }, () => renewAndDelete(artifact, now));

const renewAndDelete = async (name: string, now: Date): Promise<void> => {
  const retired = await retiredObjects(name, now);
  if (retired.length === 0) return;
  const record = await findFleetArtifact(name);
  note({ requestId: record?.requestId });
  const failed = record && retired.some((one) => one.distributed) ? await renewUsers(record, now) : 0;
  if (failed > 0) throw new AppError('UNAVAILABLE', `${failed} Scanners could not be renewed to ${name}.`);
  for (const loose of retired) await deleteLoose(loose);
  logger.info('artifact renewed', { deleted: retired.length });
};
