import { type AdvancedDocument, type AdvancedSettings, defaultAdvanced } from '../schemas/advanced.ts';
import { noTls, type SmtpDocument, type SmtpSettings } from '../schemas/smtp.ts';
import type { Examples } from './define.ts';
import { actor, at, certificateId, lists, scannerId } from './nouns.ts';

/** Settings of a Scanner that takes mail from everyone, relays for none and lets people log in. */
export const settings: SmtpSettings = {
  mailFiltering: 'inbound-and-outbound',
  inbound: {
    ipv4: { address: '192.0.2.10', port: 25 },
    ipv6: { address: '2001:db8::10', port: 25 },
    tls: { accept: true, certificateId, require: false, clientCertificate: 'none' },
    accept: 'all',
  },
  outbound: {
    ipv4: { address: '192.0.2.11', port: 25 },
    ipv6: null,
    tls: { accept: false, certificateId: null },
    nonLocalDelivery: 'mx',
  },
  authentication: {
    enabled: true,
    ipv4: { address: '192.0.2.10', port: 587 },
    ipv6: null,
    tls: { accept: true, certificateId, require: true, clientCertificate: 'none' },
    source: { type: 'smtp-forwarding', host: 'auth.example.com', port: 25, tls: 'required' },
    accept: 'all',
  },
};

export const smtpDocument: SmtpDocument = {
  ...settings,
  lists,
  revision: 17,
  updatedAt: at,
  updatedBy: actor,
  warnings: [
    {
      pointer: '/outbound',
      code: 'LIST_EMPTY',
      message: 'The outbound access list has no enabled entry, so nobody may connect.',
    },
  ],
};

/** The defaults, but for what retries and where mail leaves. */
export const advanced: AdvancedSettings = {
  ...defaultAdvanced(),
  delivery: { ...defaultAdvanced().delivery, minRetryMinutes: 10 },
  bindings: {
    ...defaultAdvanced().bindings,
    nonLocal: 'outbound',
    domains: [{ domain: 'example.com', sources: ['192.0.2.12'] }],
  },
};

const advancedDocument: AdvancedDocument = {
  ...advanced,
  revision: 17,
  updatedAt: at,
  updatedBy: actor,
  warnings: [],
};

const write = { acknowledge: 'empty-list', dryRun: 'false' };

export const settingsExamples = {
  'get-smtp': { params: { scannerId }, returns: { 200: smtpDocument } },
  'put-smtp': { params: { scannerId }, query: write, body: settings, returns: { 200: smtpDocument } },
  'patch-smtp': {
    params: { scannerId },
    query: write,
    body: { inbound: { ipv6: null } },
    returns: {
      200: {
        ...smtpDocument,
        inbound: { ipv4: { address: '192.0.2.10', port: 25 }, ipv6: null, tls: noTls, accept: 'all' },
        revision: 18,
      },
    },
  },
  'get-smtp-advanced': { params: { scannerId }, returns: { 200: advancedDocument } },
  'put-smtp-advanced': {
    params: { scannerId },
    query: write,
    body: advanced,
    returns: { 200: advancedDocument },
  },
  'patch-smtp-advanced': {
    params: { scannerId },
    query: write,
    body: { delivery: { minRetryMinutes: 10 } },
    returns: { 200: { ...advancedDocument, revision: 18 } },
  },
} satisfies Partial<Examples>;
