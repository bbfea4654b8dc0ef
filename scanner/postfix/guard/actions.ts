/**
 * What the guard answers, in the words of an access(5) table. With 421 Postfix ends the session. Where a product's message is known
 * (`smg.md` 1.2, 2.2), it is the same.
 */
export const actions = {
  goOn: 'DUNNO',
  notListed: '554 5.7.1 Access denied',
  nameUnverified: '450 4.7.1 The name of this client cannot be verified now',
  unknownVersion: '451 4.3.5 The configuration of this listener is not loaded',
  queueFull: '421 4.3.2 Too many messages are queued, try again later',
  tooManyConnections: '421 4.7.0 Too many connections, try again later',
  tooManyRefused: '421 4.7.0 Too many clients that are not let in',
  tooManyFromRange: '421 4.7.0 Too many connections from this network',
  tooManyFromAddress: '421 4.7.0 Too many connections from this address',
  tooManyMessages: '421 4.7.0 Too many messages in this session',
  untrustedCertificate: '554 5.7.1 tls_invalid_client_certificate',
  certificateNeeded: '554 5.7.1 A client certificate is required',
  authenticationNeeded: '530 5.7.0 Authentication required',
  bareSender: '504 5.5.2 need fully-qualified address',
  quotaCrossed: '421 4.7.1 Recipient quota exceeded',
} as const;
