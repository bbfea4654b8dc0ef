import type { ShadowKey } from './shadow-request.ts';

export type ShadowOperation = 'get' | 'update' | 'delete';

const isOperation = (level: string | undefined): level is ShadowOperation =>
  level === 'get' || level === 'update' || level === 'delete';

/** Start of all topics of a shadow, without the slash. */
export const shadowPrefix = ({ thing, shadow }: ShadowKey): string =>
  shadow === undefined ? `$aws/things/${thing}/shadow` : `$aws/things/${thing}/shadow/name/${shadow}`;

/** Which request a message on this topic is; null when the topic is not one that the shadow service takes. */
export const parseShadowTopic = (topic: string): { key: ShadowKey; operation: ShadowOperation } | null => {
  const [aws, things, thing, word, ...rest] = topic.split('/');
  if (aws !== '$aws' || things !== 'things' || thing === undefined || word !== 'shadow') return null;
  const [first, shadow, operation] = rest;
  if (rest.length === 1 && isOperation(first)) return { key: { thing }, operation: first };
  if (rest.length === 3 && first === 'name' && shadow !== undefined && isOperation(operation))
    return { key: { thing, shadow }, operation };
  return null;
};
