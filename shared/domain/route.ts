import {
  type DecommissionWake,
  type DeriveWake,
  decommissionWake,
  deriveWake,
  type ImportWake,
  importWake,
  type ReconcileWake,
  type RenewWake,
  type RolloutWake,
  reconcileWake,
  renewWake,
  rolloutWake,
} from '../messages/wake.ts';
import { keys, sortKeys } from '../tables.ts';

/** Which worker is woken, and with what. */
export type Route =
  | { worker: 'import'; message: ImportWake }
  | { worker: 'renew'; message: RenewWake }
  | { worker: 'derive'; message: DeriveWake }
  | { worker: 'reconcile'; message: ReconcileWake }
  | { worker: 'decommission'; message: DecommissionWake }
  | { worker: 'rollout'; message: RolloutWake };

/** What stands behind the kind of thing in a partition key. */
const idOf = (pk: string): string => pk.slice(pk.indexOf('#') + 1);

const routes: Record<string, (pk: string) => Route> = {
  [keys.import]: (pk) => ({ worker: 'import', message: importWake.parse({ importId: idOf(pk) }) }),
  [sortKeys.artifact]: (pk) => ({ worker: 'renew', message: renewWake.parse({ artifact: idOf(pk) }) }),
  [sortKeys.due]: (pk) => ({ worker: 'reconcile', message: reconcileWake.parse({ scannerId: idOf(pk) }) }),
  [sortKeys.scanner]: (pk) => ({
    worker: 'decommission',
    message: decommissionWake.parse({ scannerId: idOf(pk) }),
  }),
  [keys.rollout]: (pk) => ({ worker: 'rollout', message: rolloutWake.parse({ rolloutId: idOf(pk) }) }),
  [keys.derived]: (pk) => {
    const [root, name] = idOf(pk).split('#');
    return { worker: 'derive', message: deriveWake.parse({ root, name }) };
  },
};

/** The worker that an item's change is for, by the item's key alone. TypeError, or zod's error, for a key that wakes nobody. */
export const routeOf = ({ pk, sk }: { pk: string; sk: string }): Route => {
  const route = Object.hasOwn(routes, sk) ? routes[sk] : undefined;
  if (!route) throw new TypeError(`A change of ${pk} ${sk} wakes no worker.`);
  return route(pk);
};
