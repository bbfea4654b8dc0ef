import * as z from 'zod';
import { revision, time } from './common.ts';

export const conditionTypes = ['Published', 'Applied', 'Connected', 'InSync'] as const;

export const condition = z.object({
  type: z.enum(conditionTypes),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  observedRevision: revision.nullable(),
  lastTransitionTime: time,
});
export type Condition = z.infer<typeof condition>;

export const sync = z.object({
  desiredRevision: revision,
  publishedRevision: revision.nullable(),
  appliedRevision: revision.nullable(),
  connected: z.boolean(),
  conditions: z.array(condition),
  lastReport: z
    .object({
      revision: revision.nullable(),
      code: z.string(),
      message: z.string().nullable(),
      pointer: z.string().nullable(),
      at: time,
    })
    .nullable(),
});
export type Sync = z.infer<typeof sync>;
