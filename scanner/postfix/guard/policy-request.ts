import { parseDomain } from '../../../shared/domain/lists/domains.ts';
import { clientAddress, type MatchClient } from '../../../shared/domain/match.ts';
import { type Attributes, PolicyProtocolError } from './policy-protocol.ts';

export interface Endpoint {
  address: string;
  port: number;
}

/** What Postfix says of a session at one of its commands, as far as anything is decided by it. */
export interface PolicyRequest {
  state: string;
  /** Which listener of which version asks (`contextOf`). */
  context: string;
  client: MatchClient;
  clientPort: number;
  server: Endpoint;
  sender: string;
  /** Recipients of the message; 0 before its data. */
  recipients: number;
  isAuthenticated: boolean;
  certificate: 'none' | 'trusted' | 'untrusted';
}

/**
 * The name of a client is "unknown" where its address and its name do not lead to each other (postconf, reject_unknown_client_hostname). One of a single
 * label (`localhost`) is verified, and in no list.
 */
const verifiedName = (text: string): string | null => {
  if (text === 'unknown') return null;
  const parsed = parseDomain(text);
  if (parsed.ok) return parsed.name;
  return parsed.code === 'DOMAIN_SINGLE_LABEL' ? text.toLowerCase() : null;
};

/**
 * Postfix gives the fingerprint of whatever certificate was presented, but names of subject and issuer only of one that it could verify
 * (smtpd_check.c, check_policy_service). A certificate may have no common name; its issuer's, or failing that its organisation, is then there.
 */
const certificateOf = (text: (name: string) => string): PolicyRequest['certificate'] => {
  if (text('ccert_fingerprint') === '' && text('ccert_pubkey_fingerprint') === '') return 'none';
  return text('ccert_subject') !== '' || text('ccert_issuer') !== '' ? 'trusted' : 'untrusted';
};

const number = (text: string): number => (/^\d{1,10}$/.test(text) ? Number(text) : 0);

/** @throws PolicyProtocolError for what is no request of an SMTP server. */
export const readPolicyRequest = (attributes: Attributes): PolicyRequest => {
  const text = (name: string) => attributes.get(name) ?? '';
  if (text('request') !== 'smtpd_access_policy')
    throw new PolicyProtocolError('this is no request for an access policy');
  const address = clientAddress(text('client_address'));
  if (address === null) throw new PolicyProtocolError('a request has no client address');
  return {
    state: text('protocol_state'),
    context: text('policy_context'),
    client: { address, name: verifiedName(text('client_name')) },
    clientPort: number(text('client_port')),
    server: { address: clientAddress(text('server_address')) ?? '', port: number(text('server_port')) },
    sender: text('sender'),
    recipients: number(text('recipient_count')),
    isAuthenticated: text('sasl_username') !== '',
    certificate: certificateOf(text),
  };
};
