import { type Keys, kindOfKey } from '../../../shared/domain/lists/keys.ts';
import type { MatchClient } from '../../../shared/domain/match.ts';
import { isListed } from '../../../shared/domain/match-keys.ts';
import type { Direction, GuardListener, GuardRules } from '../guard-configuration.ts';

/** The rules of one version, with the access lists that they ask, as sorted keys. */
export interface Rules {
  rules: Partial<Record<Direction, GuardRules | undefined>>;
  lists: ReadonlyMap<Direction, Keys>;
}

/** Which way a client's mail goes, or why it is not let in; `unverified`: a name that cannot be verified now could let it in. */
export type Way = Direction | 'refused' | 'unverified';

/** Domains are last in a list. */
const hasDomains = (keys: Keys): boolean => keys.count > 0 && kindOfKey(keys, keys.count - 1) === 'domain';

/**
 * Asks the rules of a listener in their order: the first that takes the client says which way its mail goes. So at a listener that inbound and
 * outbound share the outbound list is asked first (`smg.md` 1.3). The answer is that of the API's `match`.
 */
export const wayOf = (
  client: MatchClient,
  { directions }: Pick<GuardListener, 'directions'>,
  { rules, lists }: Rules,
): Way => {
  let couldDecide = false;
  for (const direction of directions) {
    if (rules[direction]?.accept === 'all') return direction;
    const list = lists.get(direction);
    if (!list) continue;
    if (isListed(list, client)) return direction;
    couldDecide ||= client.name === null && hasDomains(list);
  }
  return couldDecide ? 'unverified' : 'refused';
};
