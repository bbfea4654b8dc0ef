import type { HostInput } from '../../../shared/schemas/hosts.ts';

/** A destination as `smtp(8)` takes it: hosts in the order in which they are tried, of which each is a next hop of its own. */
export type Destination = string;

/** Brackets keep Postfix from looking up MX records (transport(5)). */
const nextHop = ({ host, port, mxLookup }: HostInput): string =>
  mxLookup ? `${host}:${port}` : `[${host}]:${port}`;

const ranks = (hosts: readonly HostInput[]): HostInput[][] => {
  const byPreference = new Map<number, HostInput[]>();
  for (const host of hosts)
    byPreference.set(host.preference, [...(byPreference.get(host.preference) ?? []), host]);
  return [...byPreference].sort(([one], [other]) => one - other).map(([, equals]) => equals);
};

const divisor = (one: number, other: number): number => (other === 0 ? one : divisor(other, one % other));

/** How many orders it takes for each host of each rank to be first among its equals equally often. */
export const ordersNeeded = (hosts: readonly HostInput[]): number =>
  ranks(hosts).reduce((all, { length }) => (all / divisor(all, length)) * length, 1);

const rotated = <T>(values: readonly T[], by: number): T[] => {
  const from = by % values.length;
  return [...values.slice(from), ...values.slice(0, from)];
};

/**
 * The destinations of which one is taken by chance for each message: hosts by preference, and equals in turn, so that they share the load. No
 * hosts make none.
 */
export const destinationsOf = (hosts: readonly HostInput[]): Destination[] => {
  if (hosts.length === 0) return [];
  const ranked = ranks(hosts);
  return Array.from({ length: ordersNeeded(hosts) }, (_, turn) =>
    ranked
      .flatMap((equals) => rotated(equals, turn))
      .map(nextHop)
      .join(', '),
  );
};
