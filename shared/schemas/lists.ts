import * as z from 'zod/mini';
import { digest, ofDryRun, revision, time, warnings } from './common.ts';

/** Who may connect (DESIGN 2). */
export const accessListNames = ['inbound', 'outbound', 'authentication'] as const;
export type AccessListName = (typeof accessListNames)[number];
export const accessListName = z.enum(accessListNames).check(z.meta({ description: 'Which access list.' }));

/** Where mail goes (DESIGN 2). */
export const hostListNames = ['local-delivery', 'relay'] as const;
export type HostListName = (typeof hostListNames)[number];
export const hostListName = z.enum(hostListNames).check(z.meta({ description: 'Which host list.' }));

/** Every list that a configuration has. */
export const listNames = [...accessListNames, ...hostListNames] as const;
export type ListName = (typeof listNames)[number];
export const listName = z.enum(listNames);

export const isHostListName = (text: string): text is HostListName =>
  (hostListNames as readonly string[]).includes(text);

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
    comment: z.optional(z.string()),
  })
  .check(z.meta({ id: 'AccessEntry' }));
export type AccessEntry = z.infer<typeof accessEntry>;

/** What a configuration holds of a list: its root says everything, the counts save a read. */
export const listReference = z
  .object({
    root: digest,
    entries: z.int().check(z.minimum(0)),
    enabled: z.int().check(z.minimum(0)),
  })
  .check(z.meta({ id: 'ListReference' }));
export type ListReference = z.infer<typeof listReference>;

export const listReferences = z.object({
  inbound: listReference,
  outbound: listReference,
  authentication: listReference,
  'local-delivery': listReference,
  relay: listReference,
});
export type ListReferences = z.infer<typeof listReferences>;

export const accessListSummary = z.object({
  list: accessListName,
  entries: z.int().check(z.minimum(0)),
  enabled: z.int().check(z.minimum(0)),
  byKind: z.object({
    ipv4: z.int().check(z.minimum(0)),
    'ipv4-network': z.int().check(z.minimum(0)),
    ipv6: z.int().check(z.minimum(0)),
    'ipv6-network': z.int().check(z.minimum(0)),
    domain: z.int().check(z.minimum(0)),
  }),
  root: digest,
  revision,
});

export const entriesPage = z.object({
  items: z.array(accessEntry),
  page: z.int().check(z.minimum(1)),
  pageSize: z.int().check(z.minimum(1)),
  from: z.int().check(z.minimum(0)),
  to: z.int().check(z.minimum(0)),
  totalEntries: z.int().check(z.minimum(0)),
  totalPages: z.int().check(z.minimum(1)),
  revision,
  links: z.object({
    first: z.string(),
    previous: z.optional(z.string()),
    next: z.optional(z.string()),
    last: z.string(),
    forward: z.string(),
  }),
});

/** The cursor walk of the same entries: no totals. */
export const entriesWalk = z.object({
  items: z.array(accessEntry),
  nextCursor: z.optional(z.string()),
  revision,
});

export const newEntries = z.strictObject({
  entries: z
    .array(
      z.strictObject({
        value: z.string(),
        enabled: z.optional(z.boolean()),
        comment: z.optional(z.string()),
      }),
    )
    .check(z.minLength(1), z.maxLength(1000)),
});

export const entryValues = z.strictObject({
  values: z.array(z.string()).check(z.minLength(1), z.maxLength(1000)),
});

/** The value of one entry, in a query: a path would have to carry an encoded slash (DESIGN 4). */
export const entryValue = z
  .string()
  .check(z.meta({ description: 'Value of an entry, in any form that means it.', example: '192.0.2.0/24' }));

/** A merge patch of one entry; null takes its comment away. */
export const entryPatch = z.strictObject({
  value: z.optional(z.string()),
  enabled: z.optional(z.boolean()),
  comment: z.optional(z.nullable(z.string())),
});

/** How many entries the caller believes are there: what is cleared was seen. */
export const clearing = z.strictObject({ entries: z.int().check(z.minimum(0)) });

/** Answer of every list edit. */
export const listEdit = z
  .object({
    revision,
    added: z.int().check(z.minimum(0)),
    removed: z.int().check(z.minimum(0)),
    changed: z.int().check(z.minimum(0)),
    unchanged: z.int().check(z.minimum(0)),
    normalized: z.array(z.object({ input: z.string(), value: z.string() })),
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'ListEdit' }));

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

/** An import's id, as a path has it. */
export const importId = z
  .string()
  .check(z.minLength(1), z.maxLength(64), z.meta({ description: 'Id of an import.' }));

/** How an import is to be done; the same options come from `POST …/imports` and from object metadata. */
export const importOptions = z.strictObject({
  mode: z._default(z.enum(importModes), 'merge'),
  onInvalid: z._default(z.enum(importPolicies), 'reject'),
  dryRun: z._default(z.boolean(), false),
  maxRemovals: z.optional(z.int().check(z.minimum(0))),
  activate: z._default(z.boolean(), false),
  acknowledge: z._default(z.array(z.enum(['empty-list', 'open-relay'])), []),
});
export type ImportOptions = z.infer<typeof importOptions>;

export const importProblem = z
  .object({
    line: z.int().check(z.minimum(1)),
    column: z.int().check(z.minimum(1)),
    token: z.string(),
    code: z.string(),
    message: z.string(),
    suggestion: z.optional(z.string()),
  })
  .check(z.meta({ id: 'ImportProblem' }));
export type ImportProblem = z.infer<typeof importProblem>;

const count = z.int().check(z.minimum(0));
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
  .check(z.meta({ id: 'ImportCounts' }));
export type ImportCounts = z.infer<typeof importCounts>;

/** What is wrong with the whole of an import: one code, and nothing was changed. */
export const importError = z
  .optional(z.object({ code: z.string(), detail: z.string() }))
  .check(z.meta({ description: 'Only of one that failed or was superseded: why, as a whole.' }));

export const importJob = z
  .object({
    importId: z.string(),
    scannerId: z.string(),
    list: z.string(),
    source: z.object({ key: z.string(), versionId: z.optional(z.string()) }),
    state: z.enum(importStates),
    mode: z.enum(importModes),
    onInvalid: z.enum(importPolicies),
    dryRun: z.boolean().check(
      z.meta({
        description: 'True of an import that is a dry run, and in the answer to one of an action on it.',
      }),
    ),
    maxRemovals: z.optional(z.int().check(z.minimum(0))),
    activate: z.boolean(),
    progress: z.object({ bytesRead: count, bytesTotal: count }),
    counts: importCounts,
    problems: z
      .array(importProblem)
      .check(z.meta({ description: 'The first 100; all of them are in the report.' })),
    problemsTotal: count,
    error: importError,
    revision: z.optional(revision),
    createdAt: time,
    finishedAt: z.optional(time),
  })
  .check(z.meta({ id: 'ImportJob' }));
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

/** What one revision says of a client. */
const matchVerdict = z.object({
  accepted: z.nullable(z.boolean()),
  reason: z.string(),
  message: z.string().check(z.meta({ description: 'The reason in words.' })),
  entries: z.array(accessEntry),
});

export const matchAnswer = z.object({
  client: z.string().check(z.meta({ description: 'In its one form; an IPv4-mapped address as IPv4.' })),
  name: z.optional(z.string()),
  desired: matchVerdict,
  applied: z.nullable(z.extend(matchVerdict, { revision })),
});

/** What is being made of a list: ask again after the seconds of `Retry-After`. */
export const beingMade = z
  .object({ state: z.literal('pending'), root: digest })
  .check(z.meta({ id: 'BeingMade' }));

const download = z.object({ url: z.string(), expiresAt: time });

export const finding = z
  .object({
    code: z.string(),
    value: z.string(),
    message: z.string(),
    by: z.optional(z.string()),
    suggestion: z.optional(z.string()),
  })
  .check(z.meta({ id: 'Finding' }));

export const lintAnswer = z.object({
  list: accessListName,
  root: digest,
  revision,
  counts: z.record(z.string(), count),
  findings: z
    .array(finding)
    .check(z.meta({ description: 'The first 100 of each code; all of them are in the download.' })),
  findingsTotal: count,
  download: z.optional(download),
});

/** Where a list can be had that is too long for an answer; `Location` says the same. */
export const exportLink = download;

/** The list that comes of a copy. */
export const listCopy = z.object({
  revision,
  root: digest,
  entries: count,
  enabled: count,
  ...ofDryRun,
  warnings,
});
