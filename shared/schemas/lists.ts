import * as z from 'zod';
import { digest, revision, time, warnings } from './common.ts';

/** Who may connect (DESIGN 2). */
export const accessListNames = ['inbound', 'outbound', 'authentication'] as const;
export type AccessListName = (typeof accessListNames)[number];
export const accessListName = z.enum(accessListNames).meta({ description: 'Which access list.' });

export const isAccessListName = (text: string): text is AccessListName =>
  (accessListNames as readonly string[]).includes(text);

export const entryKinds = ['ipv4', 'ipv4-network', 'ipv6', 'ipv6-network', 'domain'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** One entry of an access list, canonical. Only enabled entries let anyone in. */
export const accessEntry = z
  .object({
    value: z.string(),
    kind: z.enum(entryKinds),
    enabled: z.boolean(),
    comment: z.string().optional(),
  })
  .meta({ id: 'AccessEntry' });
export type AccessEntry = z.infer<typeof accessEntry>;

/** What a configuration holds of a list: its root says everything, the counts save a read. */
export const listReference = z
  .object({
    root: digest,
    entries: z.int().min(0),
    enabled: z.int().min(0),
  })
  .meta({ id: 'ListReference' });
export type ListReference = z.infer<typeof listReference>;

export const listReferences = z.object({
  inbound: listReference,
  outbound: listReference,
  authentication: listReference,
});
export type ListReferences = z.infer<typeof listReferences>;

export const accessListSummary = z.object({
  list: accessListName,
  entries: z.int().min(0),
  enabled: z.int().min(0),
  byKind: z.record(z.enum(entryKinds), z.int().min(0)),
  root: digest,
  revision,
});

export const entriesPage = z.object({
  items: z.array(accessEntry),
  page: z.int().min(1),
  pageSize: z.int().min(1),
  from: z.int().min(0),
  to: z.int().min(0),
  totalEntries: z.int().min(0),
  totalPages: z.int().min(1),
  revision,
  links: z.object({
    first: z.string(),
    previous: z.string().optional(),
    next: z.string().optional(),
    last: z.string(),
    forward: z.string(),
  }),
});

/** The cursor walk of the same entries: no totals. */
export const entriesWalk = z.object({
  items: z.array(accessEntry),
  nextCursor: z.string().optional(),
  revision,
});

export const newEntries = z.strictObject({
  entries: z
    .array(
      z.strictObject({ value: z.string(), enabled: z.boolean().optional(), comment: z.string().optional() }),
    )
    .min(1)
    .max(1000),
});

export const entryValues = z.strictObject({ values: z.array(z.string()).min(1).max(1000) });

/** Answer of every list edit. */
export const listEdit = z
  .object({
    revision,
    added: z.int().min(0),
    removed: z.int().min(0),
    changed: z.int().min(0),
    unchanged: z.int().min(0),
    normalized: z.array(z.object({ input: z.string(), value: z.string() })),
    warnings,
  })
  .meta({ id: 'ListEdit' });

export const importModes = ['merge', 'replace', 'remove'] as const;
export type ImportMode = (typeof importModes)[number];
export const importPolicies = ['reject', 'skip'] as const;
export const importStates = [
  'created',
  'uploaded',
  'processing',
  'completed',
  'failed',
  'awaiting-confirmation',
  'cancelled',
] as const;
export type ImportState = (typeof importStates)[number];

/** How an import is to be done; the same options come from `POST …/imports` and from object metadata. */
export const importOptions = z.strictObject({
  mode: z.enum(importModes).default('merge'),
  onInvalid: z.enum(importPolicies).default('reject'),
  dryRun: z.boolean().default(false),
  maxRemovals: z.int().min(0).optional(),
  activate: z.boolean().default(false),
  acknowledge: z.array(z.enum(['empty-list', 'open-relay'])).default([]),
});
export type ImportOptions = z.infer<typeof importOptions>;

export const importProblem = z
  .object({
    line: z.int().min(1),
    column: z.int().min(1),
    token: z.string(),
    code: z.string(),
    message: z.string(),
    suggestion: z.string().optional(),
  })
  .meta({ id: 'ImportProblem' });
export type ImportProblem = z.infer<typeof importProblem>;

const count = z.int().min(0);
export const importCounts = z
  .object({
    tokens: count,
    added: count,
    removed: count,
    changed: count,
    unchanged: count,
    duplicates: count,
    normalized: count,
    invalid: count,
  })
  .meta({ id: 'ImportCounts' });
export type ImportCounts = z.infer<typeof importCounts>;

export const importJob = z
  .object({
    importId: z.string(),
    scannerId: z.string(),
    list: z.string(),
    source: z.object({ key: z.string(), versionId: z.string().optional() }),
    state: z.enum(importStates),
    mode: z.enum(importModes),
    onInvalid: z.enum(importPolicies),
    dryRun: z.boolean(),
    maxRemovals: z.int().min(0).optional(),
    activate: z.boolean(),
    progress: z.object({ bytesRead: count, bytesTotal: count }),
    counts: importCounts,
    problems: z.array(importProblem).meta({ description: 'The first 100; all of them are in the report.' }),
    problemsTotal: count,
    error: z.object({ code: z.string(), detail: z.string() }).optional(),
    revision: revision.optional(),
    createdAt: time,
    finishedAt: time.optional(),
  })
  .meta({ id: 'ImportJob' });
export type ImportJob = z.infer<typeof importJob>;

export const importUpload = z.object({
  importId: z.string(),
  upload: z.object({
    url: z.string(),
    fields: z.record(z.string(), z.string()),
    maxBytes: z.int(),
    expiresAt: time,
  }),
});
