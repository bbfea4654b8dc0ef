/** One figure: a value in a unit, and where there is a peer measured in the same run, how many times the peer it is. */
export interface Figure {
  value: number;
  unit: string;
  peer?: string;
  ratio?: number;
}

/** A measurement. It says how many runs its medians come from; nothing in it passes or fails. */
export interface Bench {
  what: string;
  /** Why this host cannot run it; null where it can. */
  whyNot?: () => string | null;
  run(): Promise<{ runs: number; figures: Record<string, Figure> }>;
}

/** The value at quantile `q` (0 to 1) of the samples, nearest rank. */
export const quantile = (samples: readonly number[], q: number): number => {
  if (samples.length === 0) throw new TypeError('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
};

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);
