import * as z from 'zod/mini';
import { advancedSettings } from './advanced.ts';
import { cursor, digest, revision, scannerId, time, wholeNumber } from './common.ts';
import { host } from './hosts.ts';
import { accessEntry, listName, listReferences } from './lists.ts';
import { smtpSettings } from './smtp.ts';
import { shownReport } from './sync.ts';

const origin = {
  revision,
  at: time,
  by: z.string(),
  operation: z.string().check(
    z.meta({
      description: 'Id of the operation, `import`, or `renew-artifact` for what a renewal brought.',
    }),
  ),
  summary: z.string().check(z.meta({ description: 'What it changed, in a line.' })),
  rolloutId: z.optional(z.string()).check(z.meta({ description: 'The rollout that made it.' })),
  report: z.nullable(shownReport).check(
    z.meta({
      description: 'What the Scanner last said of this revision; null where it never spoke of it.',
    }),
  ),
};

/** A revision in a list: what it is called, where it came from, and what it changed. */
export const revisionSummary = z.object(origin).check(z.meta({ id: 'RevisionSummary' }));
export type RevisionSummary = z.infer<typeof revisionSummary>;

/** A whole configuration, as one revision holds it. */
export const revisionDocument = z
  .object({
    ...origin,
    scannerId,
    smtp: z.nullable(smtpSettings).check(z.meta({ description: 'null before the first save.' })),
    advanced: advancedSettings,
    lists: listReferences,
    artifacts: z.record(z.string(), digest).check(
      z.meta({
        description: 'Digests of the certificates, directory sources and client authorities that it uses.',
      }),
    ),
  })
  .check(z.meta({ id: 'Revision' }));

export const fieldChange = z.object({
  pointer: z.string().check(z.meta({ description: 'JSON pointer (RFC 6901) into the revision.' })),
  before: z.unknown(),
  after: z.unknown(),
});

const count = z.int().check(z.minimum(0));

export const entryDifference = z.object({
  value: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  before: z.optional(z.union([accessEntry, host])),
  after: z.optional(z.union([accessEntry, host])),
});
export type EntryDifference = z.infer<typeof entryDifference>;

export const listDifference = z.object({
  added: count,
  removed: count,
  changed: count,
  items: z
    .array(entryDifference)
    .check(z.meta({ description: 'In the order of the list, from where the cursor says.' })),
  nextCursor: z.optional(z.string()),
});
export type ListDifference = z.infer<typeof listDifference>;

export const revisionDifference = z
  .object({
    from: revision,
    to: revision,
    changes: z.array(fieldChange),
    lists: z.object({
      inbound: z.optional(listDifference),
      outbound: z.optional(listDifference),
      authentication: z.optional(listDifference),
      'local-delivery': z.optional(listDifference),
      relay: z.optional(listDifference),
    }),
  })
  .check(z.meta({ id: 'RevisionDifference' }));

/** Walks the entries of one list's difference; the counts come with every page. */
export const differenceQuery = {
  from: z
    .optional(wholeNumber())
    .check(z.meta({ description: 'The revision to compare with; the one before unless told.' })),
  list: z.optional(listName).check(z.meta({ description: 'Only this list.' })),
  cursor,
};

export const auditEntry = z
  .object({
    at: time,
    actor: z.string().check(
      z.meta({
        description:
          'Who asked for it: `sub` of the access token. `control-plane` where a rule acted by itself, as one that halts a rollout.',
      }),
    ),
    requestId: z.string().check(
      z.meta({
        description: 'The request that asked for it; of a rollout that a rule halts, the one that began it.',
      }),
    ),
    operation: z.string(),
    scannerId: z.optional(z.string()).check(
      z.meta({
        description: 'The Scanner that was written; absent where `subject` says what of the fleet.',
      }),
    ),
    subject: z.optional(z.string()).check(
      z.meta({
        description: 'Id of the certificate, directory source, client authority or rollout that was written.',
        example: 'cert-5e0c3a527d0b4c7e',
      }),
    ),
    revision: z.optional(revision),
    before: z.unknown(),
    after: z.unknown(),
    counts: z.optional(z.record(z.string(), count)),
    values: z.optional(z.array(z.string())),
    importId: z.optional(z.string()),
    rolloutId: z.optional(z.string()),
  })
  .check(z.meta({ id: 'AuditEntry' }));
