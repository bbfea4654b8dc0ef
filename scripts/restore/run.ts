import { loadStores as loadCheck } from '../fsck/stores.ts';
import { fillAll } from './fill.ts';
import { mendAll } from './mend.ts';
import { restoreObjects } from './objects.ts';
import { nothingYet, type Restored, type RestoreOptions } from './outcome.ts';
import { loadStores } from './stores.ts';

/**
 * Fills the live table from a recovered one, makes what follows from it, brings objects back and checks. The variables by which the stores find the table must be
 * set. Killed anywhere and begun again it ends the same: each step looks at what is there.
 */
export const restoreAll = async (options: RestoreOptions): Promise<Restored> => {
  await loadStores();
  await loadCheck();
  const restore = { ...options, done: nothingYet() };
  await fillAll(restore);
  await mendAll(restore);
  await restoreObjects(restore);
  return restore.done;
};
