import { ShadowError } from './shadow-request.ts';

/** Limits of the shadow service for one thing, all of its shadows and both ways of access together. */
export interface ShadowLimits {
  /** Most requests that are not yet answered. */
  inFlight: number;
  /** Most requests a second, as a bucket of this size that fills evenly. */
  perSecond: number;
}

/** Defaults of the service ("AWS IoT Device Shadow service limits"). */
export const defaultShadowLimits: ShadowLimits = { inFlight: 10, perSecond: 20 };

interface Usage {
  inFlight: number;
  tokens: number;
  at: number;
}

/** Counts requests; `begin` answers what to call when the request is answered. */
export interface RequestLimits {
  /** @throws ShadowError 429 above a limit; the request then does not count. */
  begin(thing: string): () => void;
}

/** Starts counting with nothing used. */
export const requestLimits = (limits: ShadowLimits, now: () => Date): RequestLimits => {
  const usages = new Map<string, Usage>();

  const present = (thing: string): Usage => {
    const at = now().getTime();
    const usage = usages.get(thing) ?? { inFlight: 0, tokens: limits.perSecond, at };
    const gained = (Math.max(0, at - usage.at) / 1000) * limits.perSecond;
    usage.tokens = Math.min(limits.perSecond, usage.tokens + gained);
    usage.at = at;
    usages.set(thing, usage);
    return usage;
  };

  const begin = (thing: string): (() => void) => {
    const usage = present(thing);
    if (usage.inFlight >= limits.inFlight || usage.tokens < 1)
      throw new ShadowError(429, 'Too many requests');
    usage.inFlight += 1;
    usage.tokens -= 1;
    return () => {
      usage.inFlight -= 1;
    };
  };
  return { begin };
};
