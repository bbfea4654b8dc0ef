import type { ImportJob } from '../schemas/lists.ts';
import type { Examples } from './define.ts';
import { at, cursor, importId, scannerId } from './nouns.ts';

const job: ImportJob = {
  importId,
  scannerId,
  list: 'inbound',
  source: { key: 'imports/mx1/inbound/partners.txt', versionId: '3HL4kqtJvjVBH40Nrjfkd' },
  state: 'completed',
  mode: 'merge',
  onInvalid: 'skip',
  dryRun: false,
  activate: true,
  progress: { bytesRead: 203_412, bytesTotal: 203_412 },
  counts: {
    tokens: 12_251,
    added: 12_245,
    removed: 0,
    changed: 0,
    unchanged: 0,
    duplicates: 5,
    normalized: 12,
    invalid: 1,
  },
  problems: [
    {
      line: 6_120,
      column: 1,
      token: '192.0.2.010',
      code: 'IPV4_LEADING_ZERO',
      message: 'An octet has a leading zero, which some programs read as octal.',
      suggestion: '192.0.2.10',
    },
  ],
  problemsTotal: 1,
  revision: 17,
  createdAt: at,
  finishedAt: '2026-11-24T10:00:01.250Z',
};

const waiting: ImportJob = {
  importId,
  scannerId,
  list: 'inbound',
  source: { key: 'imports/mx1/inbound/partners.txt', versionId: '3HL4kqtJvjVBH40Nrjfkd' },
  state: 'uploaded',
  mode: 'replace',
  onInvalid: 'reject',
  dryRun: false,
  maxRemovals: 100,
  activate: false,
  progress: { bytesRead: 1_024, bytesTotal: 1_024 },
  counts: {
    tokens: 60,
    added: 0,
    removed: 12_185,
    changed: 0,
    unchanged: 60,
    duplicates: 0,
    normalized: 0,
    invalid: 0,
  },
  problems: [],
  problemsTotal: 0,
  createdAt: at,
};

export const importExamples = {
  'create-import': {
    params: { scannerId, list: 'inbound' },
    body: {
      mode: 'replace',
      onInvalid: 'skip',
      dryRun: false,
      maxRemovals: 100,
      activate: true,
      acknowledge: [],
    },
    returns: {
      202: {
        importId,
        upload: {
          url: 'https://scanner-lists.s3.eu-west-1.amazonaws.com/',
          fields: { key: `uploads/${importId}`, policy: 'eyJleHBpcmF0aW9uIjoi…', 'x-amz-signature': '4a9c…' },
          maxBytes: 536_870_912,
          expiresAt: '2026-11-24T11:00:00.000Z',
        },
      },
    },
  },
  'get-import': { params: { importId }, returns: { 200: job } },
  'list-imports': {
    query: { scannerId, state: 'completed', cursor, limit: '50' },
    returns: { 200: { items: [job], nextCursor: cursor } },
  },
  'get-import-report': {
    params: { importId },
    returns: {
      200: {
        importId,
        counts: job.counts,
        problems: job.problems,
        problemsTotal: 1,
        download: {
          url: `https://scanner-lists.s3.eu-west-1.amazonaws.com/reports/${importId}.jsonl`,
          expiresAt: '2026-11-24T10:15:00.000Z',
        },
      },
    },
  },
  'confirm-import': { params: { importId }, query: { dryRun: 'false' }, returns: { 202: waiting } },
  'cancel-import': {
    params: { importId },
    query: { dryRun: 'false' },
    returns: { 202: { ...waiting, state: 'cancelled', finishedAt: '2026-11-24T10:02:00.000Z' } },
  },
} satisfies Partial<Examples>;
