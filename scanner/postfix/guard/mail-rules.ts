import type { Direction, GuardListener, GuardRules } from '../guard-configuration.ts';
import { actions } from './actions.ts';
import type { PolicyRequest } from './policy-request.ts';

/** What has been counted by the time a message begins. */
export interface Counted {
  /** Messages of the session. */
  messages: number;
  quotaCrossed: boolean;
}

const certificateRefusal = (
  { certificate }: Pick<PolicyRequest, 'certificate'>,
  { clientCertificate }: Pick<GuardListener, 'clientCertificate'>,
): string | null => {
  if (clientCertificate === 'none') return null;
  if (certificate === 'untrusted') return actions.untrustedCertificate;
  return certificate === 'none' && clientCertificate === 'require' ? actions.certificateNeeded : null;
};

const isBare = (sender: string): boolean => sender !== '' && !sender.includes('@');

/** Why a message of a session that was let in is refused at its beginning (MAIL); null where it is not. What is certain for good comes first. */
export const mailRefusal = (
  request: Pick<PolicyRequest, 'certificate' | 'isAuthenticated' | 'sender'>,
  direction: Direction,
  listener: Pick<GuardListener, 'clientCertificate'>,
  rules: Pick<GuardRules, 'bareSender' | 'maxMessagesPerSession'>,
  { messages, quotaCrossed }: Counted,
): string | null => {
  const refused = certificateRefusal(request, listener);
  if (refused !== null) return refused;
  if (direction === 'authentication' && !request.isAuthenticated) return actions.authenticationNeeded;
  if (rules.bareSender === 'refuse' && isBare(request.sender)) return actions.bareSender;
  const { maxMessagesPerSession: most } = rules;
  if (most > 0 && messages >= most) return actions.tooManyMessages;
  return quotaCrossed ? actions.quotaCrossed : null;
};
