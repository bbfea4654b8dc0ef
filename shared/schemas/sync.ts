import * as z from 'zod/mini';
import { ofDryRun, revision, time } from './common.ts';

export const conditionTypes = ['Published', 'Applied', 'Connected', 'InSync'] as const;

export const condition = z.object({
  type: z.enum(conditionTypes),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().check(
    z.meta({
      description:
        'A stable word. `ReportUnreadable`: what the Scanner reported last is none of what it may report; revisions stay as they were said before. `UnknownRevision`: it speaks of a revision that there is not, as when somebody has edited its shadow.',
    }),
  ),
  message: z.string(),
  observedRevision: z.nullable(revision),
  lastTransitionTime: time,
});
export type Condition = z.infer<typeof condition>;

/** What a Scanner says of its last attempt at a revision. */
export const shownReport = z.object({
  revision: z.nullable(revision),
  code: z.string(),
  message: z.nullable(z.string()),
  pointer: z.nullable(z.string()),
  at: time,
});
export type ShownReport = z.infer<typeof shownReport>;

export const sync = z.object({
  desiredRevision: revision,
  publishedRevision: z.nullable(revision),
  appliedRevision: z.nullable(revision),
  connected: z.boolean(),
  conditions: z.array(condition),
  lastReport: z.nullable(shownReport),
  ...ofDryRun,
});
export type Sync = z.infer<typeof sync>;
