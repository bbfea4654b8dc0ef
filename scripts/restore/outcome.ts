import type { Finding } from '../../shared/domain/fsck.ts';

/** What became of the items of one kind. */
export interface Tally {
  /** Items of the backup. */
  inBackup: number;
  /** Of those, that the live table has. */
  there: number;
  /** Put into the live table, from the backup or made. */
  restored: number;
  /** Left out, by the reason. */
  left: Map<string, number>;
}

export interface Restored {
  kinds: Map<string, Tally>;
  /** Objects of the bucket whose last version was stored again. */
  objects: string[];
  /** What is still wrong afterwards. */
  findings: Finding[];
  /** Scanners that are looked at at once. */
  scanners: Set<string>;
}

export interface RestoreOptions {
  /** The table that a point-in-time recovery has made. */
  from: string;
  dryRun: boolean;
  startedAt: Date;
  now(): Date;
  /** Told now and then how far it is. */
  progress(what: string, done: number, of?: number): void;
}

export interface Restore extends RestoreOptions {
  done: Restored;
}

export const nothingYet = (): Restored => ({
  kinds: new Map(),
  objects: [],
  findings: [],
  scanners: new Set(),
});

export const tallyOf = ({ done: { kinds } }: Restore, kind: string): Tally => {
  const tally = kinds.get(kind) ?? { inBackup: 0, there: 0, restored: 0, left: new Map() };
  kinds.set(kind, tally);
  return tally;
};

/** Counts an item that is left out. */
export const leftOut = (restore: Restore, kind: string, why: string): void => {
  const { left } = tallyOf(restore, kind);
  left.set(why, (left.get(why) ?? 0) + 1);
};
