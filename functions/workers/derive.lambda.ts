import { wishOf } from '../../shared/domain/derived.ts';
import { hasCode } from '../../shared/errors.ts';
import { type DeriveWake, deriveWake } from '../../shared/messages/wake.ts';
import { logger } from '../lib/logger.ts';
import { observed } from '../lib/observed.ts';
import { isMade } from '../stores/derived.ts';
import { makeExport } from './derive/make-export.ts';
import { makeLint } from './derive/make-lint.ts';

/** Makes what is wanted of a list, unless it is there. A list is never changed under its root, so what is there is right. */
const derive = async ({ root, name }: DeriveWake): Promise<void> => {
  if (await isMade(root, name)) return;
  const wish = wishOf(name);
  if (wish.kind === 'export') await makeExport(root, name, wish.format);
  else await makeLint(root, name, wish.list);
};

/** A wish was written to the table: it names a list by its root, and what is to be made of it. */
export const handler = observed(async (event: unknown): Promise<void> => {
  const wake = deriveWake.parse(event);
  try {
    await derive(wake);
  } catch (error) {
    if (!hasCode(error, 'SOURCE_NOT_FOUND')) throw error;
    logger.info('nothing to make: the list is gone', wake);
  }
});
