import type { LifeItem } from '../../functions/stores/survey.ts';
import type { Finding, FindingKind } from '../../shared/domain/fsck.ts';
import { hasCode } from '../../shared/errors.ts';
import type { Fleet } from './fleet.ts';
import type { NamedChunk, Table } from './named.ts';
import { objects, survey, sweeping } from './stores.ts';

/** What has been looked at. */
export interface Checked {
  scanners: number;
  revisions: number;
  lists: number;
  chunks: number;
  /** Objects with bindings of domains. */
  bindings: number;
  /** Certificates, the directory sources, the client authorities: as many as there are artifacts of the fleet. */
  fleet: number;
  rollouts: number;
  versions: number;
}

/** A finding, and how to repair it where that is safe: false when it no longer is by the time that it is tried. */
export interface Found extends Finding {
  mend?: () => Promise<boolean>;
}

export interface Report {
  checked: Checked;
  findings: Found[];
}

export interface CheckOptions {
  startedAt: Date;
  /** Asked again before anything is deleted: a mark is good for less than a day (DESIGN 4). */
  now(): Date;
  /** Told now and then how far the check is. */
  progress(what: string, done: number, of?: number): void;
}

export interface Check extends CheckOptions {
  table: Table;
  chunks: Map<string, NamedChunk>;
  fleet: Fleet;
  /** Registrations, and what was last seen of their Scanners, by partition. */
  lives: Map<string, LifeItem[]>;
  /** Ids of all rollouts. */
  rollouts: string[];
  /** Scanners of which a head or a revision cannot be read. */
  damaged: Set<string>;
  /** Lists whose manifest cannot be read, and heads and revisions that cannot: what they name is not known. */
  unread: number;
  report: Report;
}

/** Adds a finding to the report. */
export const find = ({ report }: Check, kind: FindingKind, finding: Omit<Found, 'kind'>): void => {
  report.findings.push({ kind, ...finding });
};

/** The text in an object; null where there is none. */
export const textOrDamage = async (key: string, versionId?: string): Promise<string | null | 'damaged'> => {
  try {
    return await survey.textOf(key, versionId);
  } catch (error) {
    if (hasCode(error, 'FILE_BINARY')) return 'damaged';
    throw error;
  }
};

/** A version of an object whose bytes are those that its name says. */
const intactVersion = async (key: string, digest: string) => {
  const { versions } = await sweeping.listVersions(key);
  for (const { versionId } of versions) {
    const text = await textOrDamage(key, versionId);
    if (text !== null && objects.sha256(text) === digest) return { versionId, text };
  }
  return undefined;
};

interface NamedObject {
  key: string;
  digest: string;
  namedBy: string[];
  contentType: string;
  /** Asked before it is stored again, where it may have been let go meanwhile. */
  stillNamed?: () => Promise<boolean>;
}

/** An object that is missing or damaged is stored again where the bucket still has an intact version of it. */
export const findDamage = async (
  check: Check,
  object: NamedObject,
  kind: 'dangling' | 'corrupt',
  detail: string,
): Promise<void> => {
  const { key, digest, namedBy, contentType, stillNamed = async () => true } = object;
  const intact = await intactVersion(key, digest);
  if (!intact) return find(check, kind, { key, namedBy, detail: `${detail}; no version of it is intact` });
  find(check, kind, {
    key,
    namedBy,
    detail,
    repair: `stores its intact version ${intact.versionId} again, as the newest`,
    mend: async () => {
      if (!(await stillNamed())) return false;
      await objects.putText(key, intact.text, contentType);
      return true;
    },
  });
};
