import {
  type ControlPlaneAccess,
  ControlPlaneRefused,
  ControlPlaneUnreachable,
  enrol,
  isRegistered,
  register,
} from './control-plane.ts';
import { type Identity, keepIdentity, makeIdentity, readIdentity } from './identity.ts';

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
}

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
 * to a registration that is gone. With a working identity the API may be away or refuse; without one its failure is thrown.
 * @throws ControlPlaneUnreachable, ControlPlaneRefused, or a file system error
 */
export const assureIdentity = async (enrolling: Enrolling): Promise<Identity> => {
  const { dir, anew, now, log } = enrolling;
  const known = anew ? null : await readIdentity(dir, now());
  try {
    const access = await enrolling.access();
    const fresh = await assureRegistered(access, enrolling);
    return known && !fresh ? known : await enrolAnew(access, enrolling);
  } catch (error) {
    if (!known || !isApiFailure(error)) throw error;
    log(`goes on with the certificate it has: ${error.message}`);
    return known;
  }
};
