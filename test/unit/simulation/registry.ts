import { AppError } from '../../../shared/errors.ts';
import type { Chance } from './chance.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A connection at the broker. */
export interface Connection {
  certificateId: string;
  sessionIdentifier: string;
  versionNumber: number;
  end(why: string): void;
  tell(name: string, delta: object): void;
}

interface Certificate {
  thing: string | null;
  /** Since when it is revoked, in virtual milliseconds. */
  revokedAt: number | null;
}

/** How long a revoked certificate may still be let in: not all of the service knows at once. */
export const knownEverywhereMs = 15_000;

/** Things, certificates and connections, as the services of IoT keep them: of a name, whatever registration it belongs to. */
export const registryOf = (time: VirtualTime, chance: Chance) => {
  const things = new Set<string>();
  const certificates = new Map<string, Certificate>();
  const connections = new Map<string, Connection>();
  const sessions = new Map<string, number>();

  const attached = (thing: string) =>
    [...certificates].filter(([, certificate]) => certificate.thing === thing).map(([id]) => id);

  return {
    hasThing: (thing: string) => things.has(thing),
    attached,
    /** Certificates of the thing that open a connection. */
    active: (thing: string) => attached(thing).filter((id) => certificates.get(id)?.revokedAt === null),
    ensureThing: (thing: string): void => {
      things.add(thing);
    },
    issue(thing: string): string {
      const id = `c${certificates.size + 1}`;
      certificates.set(id, { thing, revokedAt: null });
      return id;
    },
    revoke(id: string): void {
      const certificate = certificates.get(id);
      if (certificate) certificate.revokedAt ??= time.now();
    },
    detach(id: string): void {
      const certificate = certificates.get(id);
      if (certificate) certificate.thing = null;
    },
    deleteThing(thing: string): void {
      if (attached(thing).length > 0) throw new AppError('UNAVAILABLE', 'A certificate is attached.');
      things.delete(thing);
    },
    /** Whether a certificate lets anything through now; one that was revoked a moment ago may. */
    admits(id: string): boolean {
      const { revokedAt } = certificates.get(id) ?? { revokedAt: 0 };
      return revokedAt === null || (time.now() < revokedAt + knownEverywhereMs && chance.fault(0.5));
    },
    connect(thing: string, connection: Omit<Connection, 'versionNumber'>): Connection {
      const versionNumber = (sessions.get(thing) ?? 0) + 1;
      sessions.set(thing, versionNumber);
      const made = { ...connection, versionNumber };
      const before = connections.get(thing);
      connections.set(thing, made);
      before?.end('another connection took over');
      return made;
    },
    leave(thing: string, sessionIdentifier: string): void {
      if (connections.get(thing)?.sessionIdentifier === sessionIdentifier) connections.delete(thing);
    },
    connectionOf: (thing: string) => connections.get(thing),
  };
};
export type Registry = ReturnType<typeof registryOf>;
