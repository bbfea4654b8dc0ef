import * as z from 'zod/mini';
import { scannerStates } from '../domain/standing.ts';
import { time } from './common.ts';
import { conditionTypes } from './sync.ts';

const count = z.int().check(z.minimum(0));

const described = (description: string) => count.check(z.meta({ description }));

/** An object with the same schema under each of some names. */
const each = <K extends string, T extends z.ZodMiniType>(names: readonly K[], schema: T) =>
  z.object(Object.fromEntries(names.map((name) => [name, schema])) as Record<K, T>);

const statuses = each(['True', 'False', 'Unknown'], count);

export const fleetSummary = z
  .object({
    scanners: described('All registered Scanners.'),
    states: each(scannerStates, count).check(
      z.meta({ description: 'Scanners by state; each is counted once.' }),
    ),
    conditions: each(conditionTypes, statuses).check(
      z.meta({ description: 'Scanners by the status of each condition.' }),
    ),
    revisionLag: z
      .object({
        none: count,
        one: count,
        upToTen: count,
        more: count,
        nothingApplied: described('Scanners that have not said yet that they run anything.'),
      })
      .check(
        z.meta({
          description: 'Scanners by how many revisions what they run is behind what they should run.',
        }),
      ),
    software: z.array(z.object({ name: z.string(), version: z.string(), scanners: count })),
    softwareUnreported: described('Scanners that have not reported what they are.'),
    asOf: time,
  })
  .check(z.meta({ id: 'FleetSummary' }));
export type FleetSummary = z.infer<typeof fleetSummary>;
