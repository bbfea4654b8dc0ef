import type { Host } from '../schemas/hosts.ts';
import type { ListReferences } from '../schemas/lists.ts';

/** What several examples speak of: one Scanner and one story, so that the documentation reads as a whole. */
export const scannerId = 'mx1';
export const at = '2026-11-24T10:00:00.000Z';
export const requestId = 'd1b9c1a6-2f0e-4a53-9f0e-6a4b8f1d2c77';
export const actor = 'ops@example.com';
export const importId = 'imp-5e0c3a52-7d0b-4c7e-9a51-0d6a4f6f8a10';
export const cursor = 'eyJyZXZpc2lvbiI6MTcsIm5leHQiOjUwfQ';

export const certificateId = 'cert-5e0c3a527d0b4c7e';

/** The root of an empty list. */
export const emptyRoot = '48dc52c6cefca236696eb089e4f37104fdb27391b4d0e079b3564f09e881f743';
export const inboundRoot = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
export const hostsRoot = '56a043d4639a8dfa82d2ad74c5dc5c0c467e23df02818d1004110de4a3fa06db';

const empty = { root: emptyRoot, entries: 0, enabled: 0 };

export const lists: ListReferences = {
  inbound: { root: inboundRoot, entries: 12_245, enabled: 12_243 },
  outbound: { root: emptyRoot, entries: 0, enabled: 0 },
  authentication: empty,
  'local-delivery': { root: hostsRoot, entries: 1, enabled: 1 },
  relay: empty,
};

export const host: Host = {
  hostId: 'host-5e0c3a527d0b4c7e',
  host: 'mail.example.com',
  port: 25,
  mxLookup: false,
  preference: 10,
};

/** PEM as the documentation shows it: its lines without most of their content. */
export const pem = (label: string): string =>
  `-----BEGIN ${label}-----\nMIIBszCCAVmgAwIBAgIUK2Fv0Z3v0n0m3m0z6n2l8Q4wCgYIKoZIzj0EAwIwEjEQ\n-----END ${label}-----\n`;
