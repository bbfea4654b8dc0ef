import { isDeepStrictEqual } from 'node:util';
import type { Bindings, Source } from './bindings.ts';

/** One service of the delivery agent smtp(8). */
export interface Transport {
  name: string;
  source: Source;
  /** Processes, each with one connection at a time. */
  processes: number;
}

export const internalTransport = 'internal';

/** Every place that mail to other domains comes from, each once; the first is for whatever has no binding of its own. */
export const externalSources = ({ nonLocal, domains }: Bindings): Source[] =>
  [nonLocal, ...domains.flatMap(({ sources }) => sources)].filter(
    (source, index, all) => all.findIndex((other) => isDeepStrictEqual(other, source)) === index,
  );

const externalName = (index: number): string => (index === 0 ? 'external' : `external_${index + 1}`);

/** Divides connections, so that all transports together never have more; there are at least as many as transports. */
export const externalTransports = (bindings: Bindings, connections: number): Transport[] => {
  const sources = externalSources(bindings);
  const share = Math.floor(connections / sources.length);
  return sources.map((source, index) => ({
    name: externalName(index),
    source,
    processes: index === 0 ? connections - share * (sources.length - 1) : share,
  }));
};

/** The name of the transport of a source. */
export const transportOf = (transports: readonly Transport[], source: Source): string =>
  transports.find((one) => isDeepStrictEqual(one.source, source))?.name ?? externalName(0);
