import * as z from 'zod/mini';
import { exportFormats } from '../domain/lists/export.ts';
import { digest } from '../schemas/common.ts';
import { accessListNames } from '../schemas/lists.ts';

/**
 * What the router tells a worker (ADR 0011): a key and nothing more, so that a message may be lost, late, doubled or out of order. What is
 * to be done, the worker reads from what is stored.
 */
const name = z.string().check(z.minLength(1));

/** A job that may go on. */
export const importWake = z.strictObject({ importId: name });
export type ImportWake = z.infer<typeof importWake>;

/** A Scanner to be looked at now. */
export const reconcileWake = z.strictObject({ scannerId: name });
export type ReconcileWake = z.infer<typeof reconcileWake>;

/** A rollout that changed, or on which there is something to do. */
export const rolloutWake = z.strictObject({ rolloutId: name });
export type RolloutWake = z.infer<typeof rolloutWake>;

/** What belongs to the fleet, and was changed or deleted. */
export const renewWake = z.strictObject({ artifact: name });
export type RenewWake = z.infer<typeof renewWake>;

/** A list by its root, and what is wanted of it. */
export const deriveWake = z.strictObject({
  root: digest,
  name: z.union([
    z.templateLiteral(['lint-', z.enum(accessListNames)]),
    z.templateLiteral(['export-', z.enum(exportFormats)]),
  ]),
});
export type DeriveWake = z.infer<typeof deriveWake>;

/** A Scanner that was decommissioned, or of which something appeared after that. */
export const decommissionWake = z.strictObject({ scannerId: name });
export type DecommissionWake = z.infer<typeof decommissionWake>;
