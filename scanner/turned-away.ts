import { ControlPlaneUnreachable, registerAgain } from './control-plane.ts';

/** What the system says where nobody answers at all, or no way leads there. */
const noAnswer = new Set([
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

const isNoAnswer = (reason: unknown): boolean =>
  reason instanceof ControlPlaneUnreachable || noAnswer.has((reason as { code?: string } | null)?.code ?? '');

const notAsked =
  'not let in again and again, and the API cannot be asked why, as it is not reachable. What is in force goes on, and it is tried again; when the API is there, this says what to do.';

const notReachable =
  'the control plane is not reachable: what is in force goes on, and it is tried again. Nothing is to be done here.';

/** What the API says of a Scanner that is turned away. */
export type TurnedAway = { kind: 'unknown' } | { kind: 'decommissioned'; at: string } | { kind: 'known' };

const inWords = (scannerId: string, told: TurnedAway): string => {
  if (told.kind === 'decommissioned')
    return `not let in again and again (${scannerId} was decommissioned at ${told.at}). What is in force goes on until it is stopped on this host. To have it back, ${registerAgain}, stop this process, and start it with --enrol.`;
  const why = told.kind === 'unknown' ? ` (there is no Scanner ${scannerId} any more)` : '';
  return `not let in again and again${why}. Its certificate is revoked when its id is registered again or enrolled elsewhere: then stop this process, and start it with --enrol to take a new certificate.`;
};

/**
 * In words, why a Scanner is not connected again and again, and what to do; never fails. A control plane that is away turns nobody away, so the API is asked
 * only where somebody has answered.
 * @param reason what the last connection failed with
 */
export const explanationOf = async (
  scannerId: string,
  reason: unknown,
  ask: () => Promise<TurnedAway>,
): Promise<string> => {
  if (isNoAnswer(reason)) return notReachable;
  try {
    return inWords(scannerId, await ask());
  } catch (error) {
    if (isNoAnswer(error)) return notAsked;
    return `${inWords(scannerId, { kind: 'known' })} The API does not tell why it is not let in: ${(error as Error).message}`;
  }
};
