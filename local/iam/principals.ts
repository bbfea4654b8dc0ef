import { createHmac } from 'node:crypto';
import type { FunctionModel } from '../model.ts';
import type { Credentials } from '../sigv4.ts';
import { compilePolicies, type Policies, type Wanted } from './policy.ts';
import type { Recorder } from './recorder.ts';

/** What a role does not allow. The services answer it each in its own form. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';
}

/** Whoever signs requests. */
export interface Principal {
  credentials: Credentials;
  /** Does nothing where all of it is allowed. @throws AccessDenied naming the first that is not. */
  demand(...wanted: Wanted[]): void;
  /** Asks without a refusal being one: a service that answers otherwise where something is not allowed. */
  permits(wanted: Wanted): boolean;
}

/** Those who may sign requests to a stack. */
export interface Principals {
  /** By access key id; undefined for one that is not of this stack. */
  find(accessKeyId: string): Principal | undefined;
}

/** Who has not said yet who it is: it may do nothing. */
export const nobody: Principal = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  permits: () => false,
  demand: () => {
    throw new AccessDenied('Access Denied');
  },
};

/** The stack's own credentials, which may do everything, alone. */
export const administrator = (credentials: Credentials): Principals => {
  const principal: Principal = { credentials, demand: () => undefined, permits: () => true };
  return { find: (accessKeyId) => (accessKeyId === credentials.accessKeyId ? principal : undefined) };
};

/**
 * Credentials of a function, made of the stack's: the same after each start, so that what a function signed is good as long as it says.
 * Nothing leads back from them to the stack's own.
 */
const credentialsOf = (credentials: Credentials, functionId: string): Credentials => {
  const derived = (what: string) =>
    createHmac('sha256', credentials.secretAccessKey).update(`${what} of ${functionId}`).digest();
  return {
    accessKeyId: `LOCALROLE${derived('access key').toString('hex').slice(0, 16).toUpperCase()}`,
    secretAccessKey: derived('secret').toString('base64url'),
  };
};

/** As AWS words it (IAM user guide, "Troubleshoot access denied error messages"). */
const refusal = (session: string, { action, resource }: Wanted, explicit: boolean): AccessDenied =>
  new AccessDenied(
    `User: ${session} is not authorized to perform: ${action} on resource: ${resource} ${
      explicit
        ? 'with an explicit deny in an identity-based policy'
        : `because no identity-based policy allows the ${action} action`
    }`,
  );

const sessionOf = ({ id, role }: FunctionModel): string =>
  `${(role?.arn ?? 'no role').replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${id}`;

const functionPrincipal = (fn: FunctionModel, credentials: Credentials, recorder: Recorder): Principal => {
  const policies: Policies = compilePolicies(fn.role?.policies ?? []);
  const asked = (wanted: Wanted) => {
    const decision = policies.decide(wanted);
    if (decision.allowed) recorder.used(fn.entry, decision.use);
    return decision;
  };
  return {
    credentials,
    permits: (wanted) => asked(wanted).allowed,
    demand(...all) {
      for (const wanted of all) {
        const decision = asked(wanted);
        if (decision.allowed) continue;
        recorder.refused(fn.entry, wanted);
        throw refusal(sessionOf(fn), wanted, decision.explicit);
      }
    },
  };
};

/** The principals of a stack: the administrator, and each function in its role. */
export interface StackPrincipals extends Principals {
  ofFunction(arn: string): Principal;
}

/** @throws TypeError naming what a role's policies have that cannot be decided here. */
export const stackPrincipals = (
  credentials: Credentials,
  functions: readonly FunctionModel[],
  recorder: Recorder,
): StackPrincipals => {
  const own = administrator(credentials);
  const byArn = new Map(
    functions.map((fn) => [fn.arn, functionPrincipal(fn, credentialsOf(credentials, fn.id), recorder)]),
  );
  const byKey = new Map([...byArn.values()].map((one) => [one.credentials.accessKeyId, one]));
  return {
    find: (accessKeyId) => own.find(accessKeyId) ?? byKey.get(accessKeyId),
    ofFunction(arn) {
      const principal = byArn.get(arn);
      if (!principal) throw new TypeError(`There is no function ${arn}.`);
      return principal;
    },
  };
};
