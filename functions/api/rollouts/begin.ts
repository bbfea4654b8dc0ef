import { randomBytes } from 'node:crypto';
import { newRolloutOf, type StoredRollout } from '../../../shared/domain/rollout.ts';
import { needsSettings } from '../../../shared/domain/rollout-merge.ts';
import { AppError } from '../../../shared/errors.ts';
import type { NewRollout } from '../../../shared/schemas/rollouts.ts';
import type { TransactItem } from '../../stores/dynamo.ts';
import { assertInService, readHead } from '../../stores/heads.ts';
import { retrying } from '../../stores/retrying.ts';
import { beginRollout } from '../../stores/rollouts.ts';

/** Who asks for a rollout, and how. */
export type Asked = Parameters<typeof newRolloutOf>[2];

/** An id that is greater than those of earlier rollouts: of two rollouts of one Scanner the greater counts. */
export const newRolloutId = (now: Date): string =>
  `rollout-${now.getTime().toString(16).padStart(12, '0')}-${randomBytes(8).toString('hex')}`;

/**
 * Stores a rollout of its source as it is now; read again when the source moves in between. SMTP_NOT_CONFIGURED for a source without
 * settings, SCANNER_DECOMMISSIONED for one that is out of service.
 */
export const began = (
  request: NewRollout,
  asked: Asked,
  operation: string,
  remember: (made: StoredRollout) => TransactItem[],
): Promise<StoredRollout> =>
  retrying(
    async () => {
      const head = await readHead(request.source);
      assertInService(head);
      const rollout = newRolloutOf(request, head, asked);
      if (!head.configuration.smtp && needsSettings(rollout.sections))
        throw new AppError('SMTP_NOT_CONFIGURED', `Scanner ${request.source} has no settings to copy.`);
      const actor = { name: asked.by, requestId: asked.requestId };
      const by = { actor, operation, at: new Date(asked.at) };
      return (await beginRollout(rollout, head, by, remember(rollout))) ? rollout : null;
    },
    { refusal: 'The source is written too often at once.' },
  );
