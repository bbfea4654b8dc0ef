import { AppError } from '../errors.ts';
import { acknowledgements, isScannerId } from '../schemas/common.ts';
import {
  type AccessListName,
  type ImportCounts,
  type ImportJob,
  type ImportOptions,
  type ImportState,
  importModes,
  importOptions,
  importPolicies,
  isAccessListName,
} from '../schemas/lists.ts';
import { prefixes } from '../tables.ts';
import type { Head } from './configuration.ts';
import { shownToken } from './lists/import-file.ts';

/** A job as it is stored: what the API answers, and what only the workers need. */
export interface StoredJob extends ImportJob {
  acknowledge: ImportOptions['acknowledge'];
  createdBy: string;
  /** The request that asked for it; a drop has none. */
  requestId?: string;
  /** Who works on the job has incremented this number and writes only while it is still theirs (ADR 0004). */
  attempt: number;
  /** When the upload of a presigned POST was taken in: hours after `createdAt`, maybe. */
  uploadedAt?: string;
  confirmedAt?: string;
  /** When the latest attempt began. */
  begunAt?: string;
  /** When a worker was last called for: by a confirmation, or by the sweep for a job that was lost. */
  wokenAt?: string;
  /** Of a drop: the place of its upload among those of its key, in a form that compares as text. */
  sequencer?: string;
}

/**
 * How often work on a job is begun before it is given up: a file that kills its worker must not do so for ever. Fewer than
 * the queue's deliveries of a message, so that the last of them still ends the job; one that went on after a confirmation has fewer tries
 * (ADR 0011), and is ended by the worker that the sweep wakes.
 */
export const mostAttempts = 4;

/** A worker is ended by its time-out, and a message that was lost comes again, both within this time. */
const leaseMs = 20 * 60_000;

/** True when nobody works on a job that should be worked on, and no message for it can still be under way (DESIGN 4). */
export const isLost = (
  job: Pick<StoredJob, 'state' | 'createdAt' | 'uploadedAt' | 'confirmedAt' | 'begunAt' | 'wokenAt'>,
  now: Date,
): boolean => {
  if (!workableStates.includes(job.state)) return false;
  const times = [job.createdAt, job.uploadedAt, job.confirmedAt, job.begunAt, job.wokenAt].map((time) =>
    Date.parse(time ?? ''),
  );
  return now.getTime() - Math.max(...times.filter(Number.isFinite)) > leaseMs;
};

export const noCounts: ImportCounts = {
  tokens: 0,
  added: 0,
  removed: 0,
  changed: 0,
  unchanged: 0,
  duplicates: 0,
  normalized: 0,
  invalid: 0,
};

/** States in which a job can still be cancelled; the others are final. */
export const openStates: readonly ImportState[] = [
  'created',
  'uploaded',
  'processing',
  'awaiting-confirmation',
];

/**
 * SCANNER_DECOMMISSIONED for a job of an earlier registration of the Scanner's id: a file that was meant for another host is not taken into
 * this one's list, whenever it comes.
 */
export const assertOfRegistration = (
  { createdAt, scannerId }: Pick<StoredJob, 'createdAt' | 'scannerId'>,
  { registration }: Pick<Head, 'registration'>,
): void => {
  if (registration && createdAt < registration.at)
    throw new AppError(
      'SCANNER_DECOMMISSIONED',
      `The import is of an earlier Scanner ${scannerId}, which is decommissioned.`,
    );
};

export const isFinal = (state: ImportState): boolean => !openStates.includes(state);

/** States from which work may begin: `processing` when an earlier worker was lost. */
export const workableStates: readonly ImportState[] = ['uploaded', 'processing'];

/** Where an object of the bucket belongs: a drop names its target, an upload its job. Null for what is no import. */
export type ImportKey =
  | { kind: 'drop'; scannerId: string; list: string }
  | { kind: 'upload'; importId: string };

export const parseImportKey = (key: string): ImportKey | null => {
  if (key.endsWith('/')) return null;
  if (key.startsWith(prefixes.uploads))
    return { kind: 'upload', importId: key.slice(prefixes.uploads.length) };
  if (!key.startsWith(prefixes.drops)) return null;
  const [scannerId = '', list = ''] = key.slice(prefixes.drops.length).split('/');
  return { kind: 'drop', scannerId, list };
};

/** The list that a drop's key names, or TARGET_NOT_FOUND where it cannot be one. Whether the Scanner exists is for the head to say. */
export const targetOf = (key: string, scannerId: string, list: string): AccessListName => {
  const whole = key.slice(prefixes.drops.length).split('/').length >= 3;
  if (whole && isScannerId(scannerId) && isAccessListName(list)) return list;
  throw new AppError(
    'TARGET_NOT_FOUND',
    `${shownToken(key)} is not ${prefixes.drops}<scannerId>/<inbound|outbound|authentication>/<name>.`,
  );
};

/** Each option of a drop: what object metadata calls it, and what it may be. */
const metadataOptions: Readonly<Record<keyof ImportOptions, readonly [name: string, allowed: string]>> = {
  mode: ['mode', importModes.join(', ')],
  onInvalid: ['on-invalid', importPolicies.join(', ')],
  dryRun: ['dry-run', 'true, false'],
  maxRemovals: ['max-removals', 'a whole number from 0'],
  activate: ['activate', 'true, false'],
  acknowledge: ['acknowledge', `${acknowledgements.join(', ')}, or several with commas between`],
};

const booleanOf = (text: string | undefined): unknown =>
  text === 'true' ? true : text === 'false' ? false : text;

const numberOf = (text: string | undefined): unknown =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;

/** Options of a drop, from its object metadata. IMPORT_OPTION_INVALID for a value that is none; other metadata is not ours. */
export const optionsOfMetadata = (metadata: Record<string, string>): ImportOptions => {
  const acknowledge = metadata['acknowledge'];
  const parsed = importOptions.safeParse({
    mode: metadata['mode'],
    onInvalid: metadata['on-invalid'],
    dryRun: booleanOf(metadata['dry-run']),
    maxRemovals: numberOf(metadata['max-removals']),
    activate: booleanOf(metadata['activate']),
    acknowledge: acknowledge === undefined ? undefined : acknowledge.split(',').map((one) => one.trim()),
  });
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map(({ path }) => path[0] as keyof ImportOptions));
  const told = [...wrong].map((option) => {
    const [name, allowed] = metadataOptions[option];
    return `${name}=${shownToken(metadata[name] ?? '')} is none of: ${allowed}.`;
  });
  throw new AppError('IMPORT_OPTION_INVALID', told.join(' '));
};

/**
 * Order of two events for one key: the shorter sequencer is padded with zeros on the right, then they compare as
 * text (S3 user guide, "Event message structure").
 */
export const compareSequencers = (one: string, other: string): number => {
  const length = Math.max(one.length, other.length);
  const [left, right] = [one.padEnd(length, '0').toUpperCase(), other.padEnd(length, '0').toUpperCase()];
  return left === right ? 0 : left < right ? -1 : 1;
};

/** Longer than any sequencer. */
const sequencerLength = 64;

/** A sequencer in a form whose order as text is the order of events. */
export const orderedSequencer = (sequencer: string): string =>
  sequencer.padEnd(sequencerLength, '0').toUpperCase();

/** A new job, before anything is known of its file. */
export const newJob = (
  base: Pick<StoredJob, 'importId' | 'scannerId' | 'list' | 'source' | 'state' | 'createdBy' | 'createdAt'> &
    Pick<Partial<StoredJob>, 'requestId'>,
  options: ImportOptions,
): StoredJob => ({
  ...base,
  ...options,
  progress: { bytesRead: 0, bytesTotal: 0 },
  counts: noCounts,
  problems: [],
  problemsTotal: 0,
  attempt: 0,
});

/** True when what went wrong will go wrong again: the job fails. Everything else is tried again. */
export const endsJob = (error: unknown): error is AppError =>
  error instanceof AppError &&
  !['limit', 'unavailable', 'bug'].includes(error.kind) &&
  error.code !== 'SUPERSEDED';
