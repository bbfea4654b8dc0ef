import { type CertificateFacts, validityOf } from './certificates.ts';

/** A certificate that somebody should look after. */
export interface Watched extends Pick<CertificateFacts, 'notBefore' | 'notAfter'> {
  id: string;
}

export interface ExpirySummary {
  /** Whole days until the first of those that are valid ends, rounded down; null where there is none. */
  daysUntilFirst: number | null;
  expiring: Watched[];
  expired: Watched[];
}

const dayMs = 86_400_000;

/** How long certificates are still good. Those that have expired are counted apart: they no longer say when the next one ends. */
export const expirySummary = (watched: readonly Watched[], now: Date): ExpirySummary => {
  const of = (...kinds: ReturnType<typeof validityOf>[]) =>
    watched.filter((one) => kinds.includes(validityOf(one, now)));
  const ends = of('valid', 'expiring', 'not-yet').map(({ notAfter }) => Date.parse(notAfter));
  const first = ends.reduce((least, end) => Math.min(least, end), Number.POSITIVE_INFINITY);
  return {
    daysUntilFirst: ends.length === 0 ? null : Math.floor((first - now.getTime()) / dayMs),
    expiring: of('expiring'),
    expired: of('expired'),
  };
};
