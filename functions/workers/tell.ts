import { msSince, type Origin } from '../../shared/domain/origin.ts';
import type { Published } from '../../shared/domain/status.ts';
import type { ReportStatus } from '../../shared/messages/shadow.ts';
import { logger } from '../lib/logger.ts';
import { countBy, measure } from '../lib/metrics.ts';

/** Tells the log and the metrics what became of a revision: the lines by which a change can be followed to its Scanner. */

/** A revision has come into the shadow of its Scanner. */
export const tellPublished = (published: Published | null, now: Date): void => {
  if (!published) return;
  const { revision, requestId, committedAt = published.at } = published;
  const lagMs = msSince(committedAt, now);
  measure('PublishLag', lagMs);
  logger.info('published', { requestId, revision, lagMs });
};

/** What AWS throttled has what AWS said as its cause; what has none was kept back by our own pace, or by a shadow that moves all the time. */
const countedAs = (error: unknown, code: string): string =>
  code === 'THROTTLED' && (error as Error).cause === undefined ? 'PACED' : code;

/** A publication, or a look, failed and is tried again. */
export const tellBackoff = (
  what: 'PublishFailures' | 'LookFailures',
  message: string,
  { error, code }: { error: unknown; code: string },
): void => {
  const counted = countedAs(error, code);
  countBy(what, counted);
  logger.warn(message, { code: counted, cause: error as Error });
};

const refused: readonly ReportStatus['code'][] = ['rejected', 'failed'];

/** What a Scanner says of a revision was stored; `first`: that it runs it, and had not been said before. */
export const tellReported = (
  { revision, code }: Pick<ReportStatus, 'revision' | 'code'>,
  { origin, first }: { origin: Origin | null; first: boolean },
  now: Date,
): void => {
  const applied = code === 'applied' && first && origin !== null;
  const lagMs = applied ? msSince(origin.committedAt, now) : undefined;
  if (lagMs !== undefined) measure('RevisionLag', lagMs);
  if (refused.includes(code)) countBy('RevisionsNotApplied', code);
  logger.info('reported', { requestId: origin?.requestId, revision, code, lagMs });
};
