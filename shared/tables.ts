/**
 * The one table and the one bucket as data: keys, index and prefixes. `infra/` declares them, stores use them.
 * Items: see docs/adr/0002-table.md.
 */
export const table = {
  partitionKey: 'pk',
  sortKey: 'sk',
  ttl: 'expiresAt',
  /** Sparse: only what is listed carries its keys. */
  index: { name: 'listed', partitionKey: 'listPk', sortKey: 'listSk' },
} as const;

const padded = (revision: number) => String(revision).padStart(12, '0');

/** Sort keys of a Scanner's items. The stream filter names `head` and `scanner`: only they wake the publisher. */
export const sortKeys = {
  scanner: 'scanner',
  head: 'head',
  published: 'published',
  report: 'report',
  presence: 'presence',
  inventory: 'inventory',
} as const;

export const keys = {
  ofScanner: (scannerId: string) => `scanner#${scannerId}`,
  revisionPrefix: 'revision#',
  revision: (revision: number) => `revision#${padded(revision)}`,
  auditPrefix: 'audit#',
  audit: (at: string, operation: string, requestId: string) => `audit#${at}#${operation}#${requestId}`,
  ofImport: (importId: string) => `import#${importId}`,
  import: 'import',
  /** The newest upload taken for one drop-zone key, by sequencer. */
  ofDrop: (objectKey: string) => `drop#${objectKey}`,
  drop: 'drop',
  /** The answer given to a request that carried an Idempotency-Key, by the hash of its actor and key. */
  ofAnswer: (hash: string) => `answer#${hash}`,
  answer: 'answer',
  /** The present or last run of the sweep. */
  ofSweep: 'sweep',
  sweep: 'sweep',
  /** Index partitions. */
  listedScanners: 'scanners',
  listedImports: (scannerId: string) => `imports#${scannerId}`,
  /** Of the month of a time or a date in ISO 8601: a partition that grows for ever would be slow to page. */
  listedAudit: (time: string) => `audit#${time.slice(0, 7)}`,
} as const;

/** Prefixes of the bucket. */
export const prefixes = {
  drops: 'imports/',
  uploads: 'uploads/',
  chunks: 'lists/chunks/',
  manifests: 'lists/manifests/',
  reports: 'reports/',
  /** What a run of the sweep has marked so far; gone when it ends. */
  sweep: 'sweep/',
} as const;

/**
 * Prefixes that the sweep clears of what no retained revision names. Below each a key begins with the digest of a chunk or the root of a
 * list: what is computed once for a root and kept by its name belongs here, too.
 */
export const sweptPrefixes: readonly string[] = [prefixes.chunks, prefixes.manifests];

/** Largest import file in bytes and most entries of a list (DESIGN 4). */
export const limits = {
  importBytes: 512 * 1024 * 1024,
  listEntries: 10_000_000,
  bodyBytes: 1024 * 1024,
} as const;
