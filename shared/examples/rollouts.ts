import type { Rollout, RolloutTarget } from '../schemas/rollouts.ts';
import type { Examples } from './define.ts';
import { actor, at, cursor, scannerId } from './nouns.ts';

const rolloutId = 'rollout-019ab3c4d5e6-5e0c3a527d0b4c7e';

const running: Rollout = {
  rolloutId,
  state: 'running',
  dryRun: false,
  source: scannerId,
  sourceRevision: 17,
  sections: [
    'mailFiltering',
    'inbound',
    'outbound',
    'authentication',
    'lists.inbound',
    'lists.outbound',
    'lists.authentication',
    'lists.local-delivery',
    'lists.relay',
  ],
  appliesTo: { labels: { site: 'lyon' } },
  maxConcurrent: 50,
  abortAfterFailures: 3,
  canary: 2,
  waves: 4,
  timeoutMinutes: 60,
  acknowledge: [],
  counts: {
    targets: 250,
    pending: 196,
    committed: 2,
    applied: 48,
    failed: 1,
    invalid: 1,
    skipped: 2,
    overtaken: 0,
    reverted: 0,
  },
  createdAt: at,
  createdBy: actor,
  plannedAt: '2026-11-24T10:00:01.000Z',
};

const created: Rollout = {
  ...running,
  counts: {
    targets: 0,
    pending: 0,
    committed: 0,
    applied: 0,
    failed: 0,
    invalid: 0,
    skipped: 0,
    overtaken: 0,
    reverted: 0,
  },
};

const targets: RolloutTarget[] = [
  {
    scannerId: 'mx2',
    stage: 0,
    outcome: 'applied',
    fromRevision: 4,
    toRevision: 5,
    changes: 'smtp/inbound/accept; inbound list: 0 to 12245 entries, 0 to 12243 enabled',
    committedAt: '2026-11-24T10:00:02.000Z',
    finishedAt: '2026-11-24T10:00:02.400Z',
  },
  {
    scannerId: 'mx3',
    stage: 0,
    outcome: 'invalid',
    reason: '1 problem; see errors.',
    fromRevision: null,
    toRevision: null,
    errors: [
      {
        pointer: '/outbound/ipv4',
        code: 'REQUIRED',
        message: 'This field must be given.',
      },
    ],
    finishedAt: '2026-11-24T10:00:02.100Z',
  },
  {
    scannerId: 'mx4',
    stage: 1,
    outcome: 'skipped',
    reason: 'The Scanner is not connected.',
    fromRevision: null,
    toRevision: null,
  },
];

const page = { items: targets, nextCursor: cursor };
const planned: RolloutTarget = {
  scannerId: 'mx2',
  stage: 0,
  outcome: 'pending',
  fromRevision: 4,
  toRevision: null,
  changes: 'smtp/inbound/accept',
};

const act = (after: Partial<Rollout>) => ({
  params: { rolloutId },
  query: { dryRun: 'false' },
  returns: { 202: { ...running, ...after } },
});

export const rolloutExamples = {
  'create-rollout': {
    query: { acknowledge: 'open-relay', dryRun: 'false' },
    body: {
      source: scannerId,
      sections: running.sections,
      targets: { labels: { site: 'lyon' } },
      maxConcurrent: 50,
      abortAfterFailures: 3,
      canary: 2,
      waves: 4,
      timeoutMinutes: 60,
      dryRun: false,
    },
    returns: {
      202: created,
      200: {
        ...running,
        state: 'planned',
        dryRun: true,
        counts: { ...running.counts, pending: 247, committed: 0, applied: 0, failed: 0 },
        targets: { items: [planned], nextCursor: cursor },
      },
    },
  },
  'list-rollouts': {
    query: { cursor, limit: '50' },
    returns: { 200: { items: [running], nextCursor: cursor } },
  },
  'get-rollout': { params: { rolloutId }, returns: { 200: running } },
  'list-rollout-targets': {
    params: { rolloutId },
    query: { outcome: 'applied', cursor, limit: '50' },
    returns: { 200: page },
  },
  'halt-rollout': act({ state: 'halted', reason: `Halted by ${actor}.` }),
  'resume-rollout': act({ reason: `Resumed by ${actor}.` }),
  'cancel-rollout': act({ state: 'cancelled', reason: `Cancelled by ${actor}.` }),
  'revert-rollout': {
    params: { rolloutId },
    query: { acknowledge: 'open-relay', dryRun: 'false' },
    returns: {
      202: {
        ...running,
        state: 'halted',
        reason: `To be reverted, asked by ${actor}.`,
        reverting: true,
      },
    },
  },
} satisfies Partial<Examples>;
