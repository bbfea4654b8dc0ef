import type { GuardRules } from '../../../../scanner/postfix/guard-configuration.ts';

/** Rules that take everyone and limit nothing, but for what is said. */
export const rulesOf = (more: Partial<GuardRules> = {}): GuardRules => ({
  accept: 'all',
  maxConnections: 1000,
  maxConnectionsPerRange: 1000,
  ipv6Prefix: 64,
  maxConnectionsPerAddress: 1000,
  maxMessagesPerSession: 0,
  queueLimits: [],
  bareSender: 'complete',
  senderRecipientQuota: null,
  ...more,
});
