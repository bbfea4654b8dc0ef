import { type AdvancedSettings, defaultAdvanced } from '../schemas/advanced.ts';
import { type ListName, type ListReference, type ListReferences, listNames } from '../schemas/lists.ts';
import { type SmtpSettings, smtpSettings } from '../schemas/smtp.ts';
import type { Artifacts } from './artifacts.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import { canonicalSettings } from './settings.ts';

/** A Scanner's configuration: one aggregate with one revision counter (DESIGN 2). */
export interface Configuration {
  /** null before the first save. */
  smtp: SmtpSettings | null;
  advanced: AdvancedSettings;
  lists: ListReferences;
  /** What the settings need of the fleet, by the digests of the day they were saved or something was renewed. */
  artifacts: Artifacts;
}

/** What a write may change; `If-Match` asks for the part being written, not for the whole. */
export type Part = 'smtp' | 'advanced' | 'artifacts' | `lists.${ListName}`;

/** The revision that last changed each part. */
export type Parts = Record<Part, number>;

/** Says which revision a Scanner should run. */
export interface Head {
  scannerId: string;
  revision: number;
  configuration: Configuration;
  parts: Parts;
  updatedAt: string;
  updatedBy: string;
  /** The request that made this revision; of a file that was dropped, the import. Absent in what was stored before. */
  requestId?: string;
  /** Of an id that was registered again: when that was, and the revision with which this registration began. */
  registration?: { at: string; revision: number };
  /** Since when nothing more is committed, because the Scanner is decommissioned. */
  decommissionedAt?: string;
  /** Never stored: why what is stored cannot be read. Then there is no configuration here. */
  damage?: string;
}

/** True when the part has not changed since the revision that the caller saw (DESIGN 6, `If-Match`). */
export const stillHolds = (head: Head, part: Part | 'all', ifMatch: number | '*' | undefined): boolean => {
  if (ifMatch === undefined || ifMatch === '*') return true;
  const changed = part === 'all' ? head.revision : (head.parts[part] ?? 1);
  return ifMatch <= head.revision && changed <= ifMatch;
};

/** All lists of a Scanner, each the same. */
export const everyList = (list: ListReference): ListReferences =>
  Object.fromEntries(listNames.map((name) => [name, list])) as ListReferences;

const parts: Part[] = ['smtp', 'advanced', 'artifacts', ...listNames.map((name) => `lists.${name}` as const)];

const partOf = (configuration: Configuration, part: Part): Json => {
  if (part === 'smtp' || part === 'advanced' || part === 'artifacts') return configuration[part] as Json;
  return configuration.lists[part.slice('lists.'.length) as ListName].root;
};

/** Members in whatever order: DynamoDB keeps none in a map (DynamoDB developer guide, data types). */
const same = (one: Json, other: Json): boolean => canonicalJson(one) === canonicalJson(other);

/** Parts in which two configurations differ. */
export const changedParts = (before: Configuration, after: Configuration): Part[] =>
  parts.filter((part) => !same(partOf(before, part), partOf(after, part)));

/** The head after a change: next revision, and that revision noted for each part that the change touches. */
export const nextHead = (head: Head, after: Configuration, by: string, at: string): Head => {
  const revision = head.revision + 1;
  const changed = Object.fromEntries(changedParts(head.configuration, after).map((part) => [part, revision]));
  return {
    scannerId: head.scannerId,
    revision,
    configuration: after,
    parts: { ...head.parts, ...changed },
    updatedAt: at,
    updatedBy: by,
    ...(head.registration ? { registration: head.registration } : {}),
  };
};

/** The head that registration makes: revision 1, no settings, empty lists. */
export const firstHead = (scannerId: string, lists: ListReferences, by: string, at: string): Head => ({
  scannerId,
  revision: 1,
  configuration: { smtp: null, advanced: defaultAdvanced(), lists, artifacts: {} },
  parts: Object.fromEntries(parts.map((part) => [part, 1])) as Parts,
  updatedAt: at,
  updatedBy: by,
});

/** The head that registering the id of a decommissioned Scanner makes: as that of any other, under the next revision number. */
export const reopenedHead = (head: Head, lists: ListReferences, by: string, at: string): Head => {
  const revision = head.revision + 1;
  return {
    ...firstHead(head.scannerId, lists, by, at),
    revision,
    parts: Object.fromEntries(parts.map((part) => [part, revision])) as Parts,
    registration: { at, revision },
  };
};

/** A configuration as an earlier version of this project stored it: without advanced settings, artifacts and TLS. */
export type StoredConfiguration = Pick<Configuration, 'smtp' | 'lists'> & Partial<Configuration>;

/** What a stored configuration means today. */
export const readConfiguration = (stored: StoredConfiguration): Configuration => ({
  advanced: defaultAdvanced(),
  artifacts: {},
  ...stored,
  smtp: stored.smtp && canonicalSettings(smtpSettings.parse(stored.smtp)),
});
