import type { AccessEntry } from '../schemas/lists.ts';
import type { Examples } from './define.ts';
import { at, cursor, host, inboundRoot, scannerId } from './nouns.ts';

const lyon: AccessEntry = {
  value: '192.0.2.0/24',
  kind: 'ipv4-network',
  enabled: true,
  comment: 'Lyon office',
};
const partner: AccessEntry = { value: 'partner.example', kind: 'domain', enabled: false };

const write = { acknowledge: 'open-relay', dryRun: 'false' };
const accessList = { scannerId, list: 'inbound' };
const hostList = { scannerId, list: 'local-delivery' };
const page = (number: number) =>
  `/v1/scanners/${scannerId}/access-lists/inbound/entries?page=${number}&pageSize=50`;

export const listExamples = {
  'get-access-list': {
    params: accessList,
    returns: {
      200: {
        list: 'inbound',
        entries: 12_245,
        enabled: 12_243,
        byKind: { ipv4: 4_100, 'ipv4-network': 8_000, ipv6: 20, 'ipv6-network': 100, domain: 25 },
        root: inboundRoot,
        revision: 17,
      },
    },
  },
  'list-entries': {
    params: accessList,
    query: { page: '1', pageSize: '50', cursor, under: '192.0.2.0/24', kind: 'ipv4-network', revision: '17' },
    returns: {
      200: {
        items: [lyon, partner],
        page: 1,
        pageSize: 50,
        from: 1,
        to: 2,
        totalEntries: 2,
        totalPages: 1,
        revision: 17,
        links: { first: page(1), last: page(1), forward: page(1) },
      },
    },
  },
  'add-entries': {
    params: accessList,
    query: write,
    body: { entries: [{ value: '192.0.2.7/24', enabled: true, comment: 'Lyon office' }] },
    returns: {
      200: {
        revision: 18,
        added: 1,
        removed: 0,
        changed: 0,
        unchanged: 0,
        normalized: [{ input: '192.0.2.7/24', value: '192.0.2.0/24' }],
        warnings: [],
      },
    },
  },
  'remove-entries': {
    params: accessList,
    query: { acknowledge: 'empty-list', dryRun: 'false' },
    body: { values: ['192.0.2.0/24', 'partner.example'] },
    returns: {
      200: { revision: 19, added: 0, removed: 1, changed: 0, unchanged: 1, normalized: [], warnings: [] },
    },
  },
  'get-entry': {
    params: accessList,
    query: { value: '192.0.2.0/24' },
    returns: { 200: lyon },
  },
  'patch-entry': {
    params: accessList,
    query: { value: '192.0.2.0/24', ...write },
    body: { enabled: false, comment: 'Lyon office, closed' },
    returns: {
      200: { revision: 18, added: 0, removed: 0, changed: 1, unchanged: 0, normalized: [], warnings: [] },
    },
  },
  'delete-entry': {
    params: accessList,
    query: { value: 'partner.example', acknowledge: 'empty-list', dryRun: 'false' },
    returns: {
      200: { revision: 18, added: 0, removed: 1, changed: 0, unchanged: 0, normalized: [], warnings: [] },
    },
  },
  'clear-entries': {
    params: accessList,
    query: { acknowledge: 'empty-list', dryRun: 'false' },
    body: { entries: 12_245 },
    returns: {
      200: {
        revision: 18,
        added: 0,
        removed: 12_245,
        changed: 0,
        unchanged: 0,
        normalized: [],
        warnings: [],
      },
    },
  },
  'match-access-list': {
    params: accessList,
    query: { client: '192.0.2.7', name: 'mail.example.com' },
    returns: {
      200: {
        client: '192.0.2.7',
        name: 'mail.example.com',
        desired: {
          accepted: true,
          reason: 'LISTED',
          message: 'An enabled entry of the list lets the client in.',
          entries: [lyon],
        },
        applied: {
          revision: 12,
          accepted: false,
          reason: 'NOT_LISTED',
          message: 'No entry of the list lets the client in.',
          entries: [],
        },
      },
    },
  },
  'lint-access-list': {
    params: accessList,
    returns: {
      200: {
        list: 'inbound',
        root: inboundRoot,
        revision: 17,
        counts: { COVERED: 1 },
        findings: [
          {
            code: 'COVERED',
            value: '192.0.2.7',
            message: '192.0.2.0/24 lets in all that this entry does.',
            by: '192.0.2.0/24',
          },
        ],
        findingsTotal: 1,
      },
      202: { state: 'pending', root: inboundRoot },
    },
  },
  'export-access-list': {
    params: accessList,
    query: { format: 'json' },
    texts: {
      'text/csv': 'address,enabled,comment\r\n192.0.2.0/24,true,Lyon office\r\npartner.example,false,\r\n',
      'text/plain': '192.0.2.0/24\n',
    },
    returns: {
      200: [lyon, partner],
      202: { state: 'pending', root: inboundRoot },
      303: { url: 'https://bucket.example.com/derived/inbound.csv?X-Amz-Signature=…', expiresAt: at },
    },
  },
  'copy-access-list': {
    params: accessList,
    query: write,
    body: { from: 'mx2' },
    returns: { 200: { revision: 18, root: inboundRoot, entries: 12_245, enabled: 12_243, warnings: [] } },
  },
  'list-hosts': {
    params: hostList,
    query: { cursor, limit: '50' },
    returns: { 200: { items: [host], nextCursor: cursor, revision: 17 } },
  },
  'add-host': {
    params: hostList,
    query: write,
    body: { host: 'mail.example.com', port: 25, mxLookup: false, preference: 10 },
    returns: { 200: { host, revision: 18, warnings: [] } },
  },
  'put-host': {
    params: { ...hostList, hostId: host.hostId },
    query: write,
    body: { host: 'mail.example.com', port: 2525, mxLookup: false, preference: 20 },
    returns: { 200: { host: { ...host, port: 2525, preference: 20 }, revision: 19, warnings: [] } },
  },
  'delete-host': {
    params: { ...hostList, hostId: host.hostId },
    query: write,
    returns: {
      200: {
        revision: 20,
        warnings: [
          {
            pointer: '/inbound',
            code: 'LOCAL_DELIVERY_EMPTY',
            message: 'There is no local-delivery host, so inbound mail has no place to go.',
          },
        ],
      },
    },
  },
} satisfies Partial<Examples>;
