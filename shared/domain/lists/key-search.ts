import { compareKeys, type Keys } from './keys.ts';

/** True where sorted keys have the key `index` of others. */
export const hasKey = (keys: Keys, wanted: Keys, index: number): boolean => {
  let [low, high] = [0, keys.count];
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareKeys(keys, middle, wanted, index);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
};

/** True where sorted keys have any of others. */
export const hasAnyKey = (keys: Keys, wanted: Keys): boolean => {
  for (let index = 0; index < wanted.count; index++) if (hasKey(keys, wanted, index)) return true;
  return false;
};
