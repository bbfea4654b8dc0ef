import type { Scanner } from '../schemas/scanner.ts';
import type { Sync } from '../schemas/sync.ts';
import type { Examples } from './define.ts';
import { at, cursor, pem, scannerId } from './nouns.ts';

const conditions: Sync['conditions'] = [
  {
    type: 'Published',
    status: 'True',
    reason: 'Published',
    message: 'Revision 17 is in the shadow.',
    observedRevision: 17,
    lastTransitionTime: at,
  },
  {
    type: 'Applied',
    status: 'False',
    reason: 'Applying',
    message: 'The Scanner is applying this revision.',
    observedRevision: 17,
    lastTransitionTime: at,
  },
];

const sync: Sync = {
  desiredRevision: 17,
  publishedRevision: 17,
  appliedRevision: 16,
  connected: true,
  conditions,
  lastReport: { revision: 17, code: 'applying', message: null, pointer: null, at },
};

const scanner: Scanner = {
  scannerId,
  hostName: 'mx1.lyon.example.com',
  description: 'First gateway in Lyon',
  labels: { site: 'lyon' },
  enabled: true,
  connected: true,
  interfaces: [{ name: 'eth0', type: 'ethernet', ipv4: ['192.0.2.10'], ipv6: ['2001:db8::10'] }],
  software: { name: 'reference-scanner', version: '0.1.0' },
  revision: 17,
  state: 'pending',
  conditions,
  createdAt: at,
};

export const scannerExamples = {
  'create-scanner': {
    query: { dryRun: 'false' },
    body: {
      scannerId,
      hostName: 'mx1.lyon.example.com',
      description: 'First gateway in Lyon',
      labels: { site: 'lyon' },
      enabled: true,
    },
    returns: {
      201: {
        ...scanner,
        connected: false,
        interfaces: [],
        software: null,
        revision: 1,
        state: 'not-configured',
      },
    },
  },
  'get-scanner': { params: { scannerId }, returns: { 200: scanner } },
  'list-scanners': {
    query: {
      cursor,
      limit: '50',
      enabled: 'true',
      connected: 'true',
      inSync: 'false',
      state: 'pending',
      label: 'site=lyon',
    },
    returns: { 200: { items: [scanner], nextCursor: cursor } },
  },
  'patch-scanner': {
    params: { scannerId },
    query: { dryRun: 'false' },
    body: { description: null, labels: { site: 'paris' } },
    returns: {
      200: {
        scannerId,
        hostName: 'mx1.lyon.example.com',
        labels: { site: 'paris' },
        enabled: true,
        connected: true,
        interfaces: scanner.interfaces,
        software: scanner.software,
        revision: 17,
        state: 'pending',
        conditions,
        createdAt: at,
      },
    },
  },
  'create-scanner-certificate': {
    params: { scannerId },
    body: { csr: pem('CERTIFICATE REQUEST') },
    returns: {
      201: {
        certificatePem: pem('CERTIFICATE'),
        caPem: pem('CERTIFICATE'),
        mqtt: { host: 'mqtt.example.com', port: 8883 },
        thingName: scannerId,
      },
    },
  },
  'get-sync': { params: { scannerId }, returns: { 200: sync } },
  'sync-scanner': { params: { scannerId }, query: { dryRun: 'false' }, body: {}, returns: { 202: sync } },
  'get-fleet': {
    returns: {
      200: {
        scanners: 3,
        states: { disabled: 0, 'not-configured': 0, 'in-sync': 2, failed: 0, pending: 1 },
        conditions: {
          Published: { True: 3, False: 0, Unknown: 0 },
          Applied: { True: 2, False: 1, Unknown: 0 },
          Connected: { True: 3, False: 0, Unknown: 0 },
          InSync: { True: 2, False: 1, Unknown: 0 },
        },
        revisionLag: { none: 2, one: 1, upToTen: 0, more: 0, nothingApplied: 0 },
        software: [{ name: 'reference-scanner', version: '0.1.0', scanners: 3 }],
        softwareUnreported: 0,
        asOf: at,
      },
    },
  },
} satisfies Partial<Examples>;
