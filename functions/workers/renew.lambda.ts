import { AppError } from '../../shared/errors.ts';
import { type RenewWake, renewWake } from '../../shared/messages/wake.ts';
import { logger } from '../lib/logger.ts';
import { observed } from '../lib/observed.ts';
import { inParallel } from '../lib/parallel.ts';
import { artifactsWithLooseObjects } from '../stores/secrets.ts';
import { renewArtifact } from './renew-artifact.ts';

/** The daily look, of which nothing matters but that it comes. */
interface ScheduledEvent {
  source: 'aws.events';
}

/** Whatever is left over of a crash, or of a renewal that was given up: the same work, for each artifact that has some. */
const sweep = async (now: Date): Promise<void> => {
  const failures = await inParallel(await artifactsWithLooseObjects(), 1, (name) => renewArtifact(name, now));
  for (const { item, error } of failures)
    logger.error('artifact not renewed', { artifact: item, cause: error as Error });
  if (failures.length > 0) throw new AppError('UNAVAILABLE', `${failures.length} artifacts are not renewed.`);
};

/** A fleet artifact was changed or deleted, or a day has passed; the message says only which artifact. */
export const handler = observed((event: RenewWake | ScheduledEvent) =>
  'artifact' in event ? renewArtifact(renewWake.parse(event).artifact, new Date()) : sweep(new Date()),
);
