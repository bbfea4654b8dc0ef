import type { SmtpDocument, SmtpSettings } from '../schemas/smtp.ts';
import type { Examples } from './define.ts';
import { actor, at, lists, scannerId } from './nouns.ts';

/** Settings of a Scanner that takes mail from everyone, relays for none and lets people log in. */
export const settings: SmtpSettings = {
  mailFiltering: 'inbound-and-outbound',
  inbound: {
    ipv4: { address: '192.0.2.10', port: 25 },
    ipv6: { address: '2001:db8::10', port: 25 },
    accept: 'all',
  },
  outbound: { ipv4: { address: '192.0.2.11', port: 25 }, ipv6: null, nonLocalDelivery: 'mx' },
  authentication: {
    enabled: true,
    ipv4: { address: '192.0.2.10', port: 587 },
    ipv6: null,
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
        inbound: { ipv4: { address: '192.0.2.10', port: 25 }, ipv6: null, accept: 'all' },
        revision: 18,
      },
    },
  },
} satisfies Partial<Examples>;
