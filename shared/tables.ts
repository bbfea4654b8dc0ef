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
  /** When somebody looks at the Scanner again, whatever happens meanwhile (ADR 0015). */
  due: 'due',
  /** The Scanner in a few words, for lists and sums of the fleet (ADR 0015). */
  standing: 'standing',
  /** That a worker is clearing away what a decommissioned Scanner left behind; nobody else does meanwhile. */
  clearing: 'clearing',
  /** A certificate, the directory sources, the client authorities: changing one wakes the worker that renews. */
  artifact: 'artifact',
  /** The newest rollout that took the Scanner (ADR 0016). */
  claim: 'claim',
} as const;

export const keys = {
  ofScanner: (scannerId: string) => `scanner#${scannerId}`,
  revisionPrefix: 'revision#',
  revision: (revision: number) => `revision#${padded(revision)}`,
  reportedPrefix: 'reported#',
  /** What a Scanner last said of one revision. */
  reported: (revision: number) => `reported#${padded(revision)}`,
  auditPrefix: 'audit#',
  audit: (at: string, operation: string, requestId: string) => `audit#${at}#${operation}#${requestId}`,
  ofImport: (importId: string) => `import#${importId}`,
  import: 'import',
  /** The newest upload taken for one drop-zone key, by sequencer. */
  ofDrop: (objectKey: string) => `drop#${objectKey}`,
  drop: 'drop',
  /** What belongs to the fleet and is handed to Scanners as an artifact, by the artifact's name. */
  ofArtifact: (name: string) => `artifact#${name}`,
  userPrefix: 'user#',
  /** Says that a Scanner's head names the artifact. */
  user: (scannerId: string) => `user#${scannerId}`,
  /** How many users an artifact has: one number, so that a transaction can hold it to be 0. */
  usage: 'usage',
  objectPrefix: 'object#',
  /** An object under `secrets/` that the artifact's record does not name: not yet, or no more. */
  object: (digest: string) => `object#${digest}`,
  /** One directory source, one client authority. */
  memberPrefix: 'member#',
  member: (id: string) => `member#${id}`,
  /** Holds the name of a certificate, so that another cannot have it; names are compared without regard to case. */
  ofCertificateName: (name: string) => `certificate-name#${name.normalize('NFC').toLowerCase()}`,
  certificateName: 'name',
  /** The answer given to a request that carried an Idempotency-Key, by the hash of its actor and key. */
  ofAnswer: (hash: string) => `answer#${hash}`,
  answer: 'answer',
  /** That something is wanted of a list, by its root and the name of what is to be made of it (ADR 0012). */
  ofDerived: (root: string, name: string) => `derived#${root}#${name}`,
  derived: 'derived',
  /** The present or last run of the sweep. */
  ofSweep: 'sweep',
  sweep: 'sweep',
  /** A rollout, which wakes its worker when it changes; how far its targets are, in parts; who works on it; its targets; those that wait; those that are unfinished. */
  ofRollout: (rolloutId: string) => `rollout#${rolloutId}`,
  rollout: 'rollout',
  progressPrefix: 'progress#',
  progress: (part: number) => `progress#${part}`,
  rolloutWork: 'work',
  targetPrefix: 'target#',
  target: (stage: number, scannerId: string) => `target#${String(stage).padStart(2, '0')}#${scannerId}`,
  waitingPrefix: 'waiting#',
  waiting: (stage: number, scannerId: string) => `waiting#${String(stage).padStart(2, '0')}#${scannerId}`,
  unfinishedPrefix: 'unfinished#',
  unfinished: (slot: number) => `unfinished#${String(slot).padStart(4, '0')}`,
  /** How far ahead the operations of a lane are booked (ADR 0015). */
  ofPace: (lane: string) => `pace#${lane}`,
  pace: 'pace',
  /** Index partitions. */
  listedScanners: 'scanners',
  /** Scanners by the time at which they are looked at again. */
  listedDue: 'due',
  listedStandings: 'standings',
  listedDecommissioned: 'decommissioned',
  listedCertificates: 'certificates',
  listedRollouts: 'rollouts',
  /** Rollouts on which there is something to do. */
  listedOpenRollouts: 'rollouts-open',
  /** Objects under `secrets/` that no record names, for the sweep. */
  listedObjects: 'objects',
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
  /** Artifacts of one Scanner that are no secret, by the sha-256 of their text. */
  artifacts: 'artifacts/',
  /** Artifacts of the fleet: certificates with their keys, directory sources with their passwords, client authorities. */
  secrets: 'secrets/',
  derived: 'derived/',
  /** What a run of the sweep has marked so far; gone when it ends. */
  sweep: 'sweep/',
} as const;

/**
 * Prefixes that the sweep clears of what no retained revision names. Below each a key begins with the digest of a chunk, the root of a
 * list or the digest of an artifact: what is computed once for a root and kept by its name belongs here, too. Before a prefix of
 * something else may be here, the mark must know what revisions name of it (`scanTable`).
 */
export const sweptPrefixes: readonly string[] = [prefixes.chunks, prefixes.manifests, prefixes.artifacts];

/** Largest import file in bytes, most entries of a list, and more (DESIGN 4). */
export const limits = {
  importBytes: 512 * 1024 * 1024,
  listEntries: 10_000_000,
  bodyBytes: 1024 * 1024,
  /** Longest list that an export answers itself; in base64 it stays below the 6 MB of a function's answer. */
  exportBytes: 4 * 1024 * 1024,
} as const;
