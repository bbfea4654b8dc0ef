import { type Backoff, delayOf } from './backoff.ts';
import {
  type ControlPlaneAccess,
  ControlPlaneRefused,
  ControlPlaneUnreachable,
  enrol,
  isPassing,
  isRegistered,
  register,
} from './control-plane.ts';
import { type Identity, keepIdentity, makeIdentity, readIdentity } from './identity.ts';
import { realTime, type Time } from './time.ts';

export interface Enrolling {
  scannerId: string;
  hostName?: string;
  /** Folder of this Scanner. */
  dir: string;
  /** Where the API is; may fail with ControlPlaneUnreachable. */
  access: () => Promise<ControlPlaneAccess>;
  /** Take a new certificate in any case. */
  anew: boolean;
  now: () => Date;
  log: (line: string) => void;
  /** Between tries of an API that is busy, broken or away, while there is no identity to go on with. */
  retry?: Backoff;
  time?: Pick<Time, 'sleep'>;
  random?: () => number;
  /** Aborted to give up. */
  signal?: AbortSignal;
}

const patient: Backoff = { baseMs: 1000, capMs: 60_000 };

/** Tries until it works or what is wrong does not pass by itself. */
const retried = async <T>(
  { log, retry = patient, time = realTime, random = Math.random, signal }: Enrolling,
  work: () => Promise<T>,
): Promise<T> => {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || signal?.aborted) throw error;
      const delay = delayOf(retry, failures, random());
      log(`not enrolled yet (${error.message}); trying again in ${(delay / 1000).toFixed(1)} s`);
      await time.sleep(delay, signal);
      if (signal?.aborted) throw error;
    }
  }
};

/** Registers if needed; true when it was. */
const assureRegistered = async (access: ControlPlaneAccess, { scannerId, hostName, log }: Enrolling) => {
  if (await isRegistered(access, scannerId)) return false;
  await register(access, { scannerId, ...(hostName ? { hostName } : {}) });
  log(`registered as ${scannerId}`);
  return true;
};

const enrolAnew = async (
  access: ControlPlaneAccess,
  { scannerId, dir, log }: Enrolling,
): Promise<Identity> => {
  const identity = await makeIdentity(scannerId, (csr) => enrol(access, scannerId, csr));
  await keepIdentity(dir, identity);
  log('enrolled: made a key and got a certificate for it');
  return identity;
};

const isApiFailure = (error: unknown): error is Error =>
  error instanceof ControlPlaneUnreachable || error instanceof ControlPlaneRefused;

/**
 * The identity to connect with. One that works is kept, unless the Scanner had to be registered: then its certificate belonged
 * to a registration that is gone. With a working identity the API may be away or refuse; without one it is tried again, with longer and
 * longer waits, for as long as it is busy (429), broken (5xx) or away, and any other failure is thrown.
 * @throws ControlPlaneUnreachable, ControlPlaneRefused, or a file system error
 */
export const assureIdentity = async (enrolling: Enrolling): Promise<Identity> => {
  const { dir, anew, now, log } = enrolling;
  const known = anew ? null : await readIdentity(dir, now());
  const assured = async (): Promise<Identity> => {
    const access = await enrolling.access();
    const fresh = await assureRegistered(access, enrolling);
    return known && !fresh ? known : await enrolAnew(access, enrolling);
  };
  try {
    return await (known ? assured() : retried(enrolling, assured));
  } catch (error) {
    if (!known || !isApiFailure(error)) throw error;
    log(`goes on with the certificate it has: ${error.message}`);
    return known;
  }
};
