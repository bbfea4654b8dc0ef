import type { FleetSummary } from '../schemas/fleet.ts';
import { conditionTypes } from '../schemas/sync.ts';
import { type Standing, scannerStates } from './standing.ts';

const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

type Lag = keyof FleetSummary['revisionLag'];

const lags: readonly Lag[] = ['none', 'one', 'upToTen', 'more', 'nothingApplied'];

/** How far what a Scanner says it runs is behind what it should run. */
const lagOf = ({ desiredRevision, appliedRevision }: Standing): Lag => {
  if (appliedRevision === null) return 'nothingApplied';
  const behind = desiredRevision - appliedRevision;
  if (behind <= 0) return 'none';
  if (behind === 1) return 'one';
  return behind <= 10 ? 'upToTen' : 'more';
};

const byName = (one: FleetSummary['software'][number], other: FleetSummary['software'][number]): number =>
  one.name === other.name ? (one.version < other.version ? -1 : 1) : one.name < other.name ? -1 : 1;

/** Sums of a fleet, to which the standings of Scanners are added in any order. */
export interface FleetSums {
  add(standing: Standing): void;
  summary(asOf: string): FleetSummary;
}

export const fleetSums = (): FleetSums => {
  let scanners = 0;
  let unreported = 0;
  const states = zeros(scannerStates);
  const statuses = () => zeros(['True', 'False', 'Unknown'] as const);
  const conditions = Object.fromEntries(
    conditionTypes.map((type) => [type, statuses()]),
  ) as FleetSummary['conditions'];
  const revisionLag = zeros(lags);
  const software = new Map<string, FleetSummary['software'][number]>();

  const addSoftware = (reported: Standing['software']): void => {
    if (!reported) {
      unreported += 1;
      return;
    }
    const key = JSON.stringify([reported.name, reported.version]);
    const known = software.get(key) ?? { ...reported, scanners: 0 };
    software.set(key, { ...known, scanners: known.scanners + 1 });
  };

  return {
    add(standing) {
      scanners += 1;
      states[standing.state] += 1;
      for (const type of conditionTypes) conditions[type][standing.conditions[type]] += 1;
      revisionLag[lagOf(standing)] += 1;
      addSoftware(standing.software);
    },
    summary: (asOf) => ({
      scanners,
      states,
      conditions,
      revisionLag,
      software: [...software.values()].sort(byName),
      softwareUnreported: unreported,
      asOf,
    }),
  };
};
