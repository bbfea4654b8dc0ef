import type { RevisionSummary } from '../schemas/history.ts';
import type { Examples } from './define.ts';
import { actor, at, certificateId, cursor, inboundRoot, lists, requestId, scannerId } from './nouns.ts';
import { advanced, settings, smtpDocument } from './settings.ts';

const summary: RevisionSummary = {
  revision: 17,
  at,
  by: actor,
  operation: 'patch-smtp',
  summary: 'smtp/inbound/ipv4/port',
  report: { revision: 17, code: 'applied', message: null, pointer: null, at },
};

const audited = {
  at,
  actor,
  requestId,
  operation: 'add-entries',
  scannerId,
  revision: 18,
  before: { inbound: { root: lists.inbound.root, entries: 12_245, enabled: 12_243 } },
  after: { inbound: { root: lists.relay.root, entries: 12_246, enabled: 12_244 } },
  counts: { added: 1, removed: 0, changed: 0, unchanged: 0 },
  values: ['192.0.2.0/24'],
};

const revision = '17';

export const historyExamples = {
  'list-revisions': {
    params: { scannerId },
    query: { cursor, limit: '50' },
    returns: { 200: { items: [summary], nextCursor: cursor } },
  },
  'get-revision': {
    params: { scannerId, revision },
    returns: {
      200: {
        ...summary,
        scannerId,
        smtp: settings,
        advanced,
        lists,
        artifacts: { [certificateId]: inboundRoot },
      },
    },
  },
  'diff-revision': {
    params: { scannerId, revision },
    query: { from: '12', list: 'inbound', cursor, limit: '50' },
    returns: {
      200: {
        from: 12,
        to: 17,
        changes: [{ pointer: '/smtp/inbound/ipv4/port', before: 25, after: 2525 }],
        lists: {
          inbound: {
            added: 1,
            removed: 0,
            changed: 1,
            items: [
              {
                value: '192.0.2.0/24',
                change: 'added',
                after: { value: '192.0.2.0/24', kind: 'ipv4-network', enabled: true },
              },
              {
                value: 'partner.example',
                change: 'changed',
                before: { value: 'partner.example', kind: 'domain', enabled: true },
                after: { value: 'partner.example', kind: 'domain', enabled: false },
              },
            ],
          },
        },
      },
    },
  },
  'restore-revision': {
    params: { scannerId, revision: '12' },
    query: { acknowledge: 'empty-list,open-relay', dryRun: 'false' },
    returns: { 200: { ...smtpDocument, revision: 18 } },
  },
  'list-audit': {
    params: { scannerId },
    query: { cursor, limit: '50' },
    returns: { 200: { items: [audited], nextCursor: cursor } },
  },
  'list-fleet-audit': {
    query: { month: '2026-11', cursor, limit: '50' },
    returns: { 200: { items: [audited] } },
  },
} satisfies Partial<Examples>;
