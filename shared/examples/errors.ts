import type { ErrorCode } from '../errors.ts';
import { certificateId, scannerId } from './nouns.ts';

interface Placed {
  readonly pointer: string;
  readonly message: string;
  readonly suggestion?: string;
}

/** Where a code stands, with the words that it comes with; a code may stand in several places. */
export interface CodeExample {
  /** As the code of a problem document: its detail, and what rides along. */
  readonly document?: { readonly detail: string; readonly data?: Readonly<Record<string, unknown>> };
  /** Inside `errors` of a VALIDATION_FAILED. */
  readonly problem?: Placed;
  /** Inside `warnings` of a success. */
  readonly warning?: Placed;
  /** As the `error` of an import that failed. */
  readonly job?: { readonly detail: string };
  /** Among the `problems` of an import: one value of its file. */
  readonly value?: { readonly token: string; readonly message: string; readonly suggestion?: string };
  /** As the reason of a match. */
  readonly reason?: { readonly accepted: boolean | null };
  /** What lint says of an entry. */
  readonly finding?: { readonly value: string; readonly message: string; readonly by?: string };
  /** In an answer to a Scanner, over MQTT. */
  readonly rejected?: { readonly message: string };
}

const document = (detail: string, data?: Record<string, unknown>): CodeExample => ({
  document: { detail, ...(data ? { data } : {}) },
});
const placed = (pointer: string, message: string, suggestion?: string): Placed => ({
  pointer,
  message,
  ...(suggestion === undefined ? {} : { suggestion }),
});
const problem = (...of: Parameters<typeof placed>): CodeExample => ({ problem: placed(...of) });
const warning = (pointer: string, message: string): CodeExample => ({ warning: { pointer, message } });
const job = (detail: string): CodeExample => ({ job: { detail } });
const reason = (accepted: boolean | null): CodeExample => ({ reason: { accepted } });
const finding = (value: string, message: string, by?: string): CodeExample => ({
  finding: { value, message, ...(by === undefined ? {} : { by }) },
});
const rejected = (message: string): CodeExample => ({ rejected: { message } });

/** A value that is no entry, refused in an edit and in a file alike. */
const entry = (token: string, message: string, suggestion?: string): CodeExample => ({
  problem: placed('/entries/0/value', message, suggestion),
  value: { token, message, ...(suggestion === undefined ? {} : { suggestion }) },
});

const emptyList = 'The inbound access list has no enabled entry, so nobody may connect.';
const wideNetwork = '10.0.0.0/7: A network this wide on the outbound list may make an open relay.';
const notListed =
  'The inbound section accepts all clients. Set its "accept" to "listed", or import with "activate", which does.';
const foreignAddress = '192.0.2.99 is on none of the interfaces that the Scanner reported.';
const relayHosts = 'Relaying needs a host in the relay list; add one first.';
const expired = '"mx.example.com 2025" expired at 2025-12-01T00:00:00.000Z.';
const noListener = 'The mail filtering mode has no outbound listener.';
const users = { users: 2, scannerIds: [scannerId, 'mx2'] };
const comment = 'A comment has up to 255 characters and no control characters.';

/** An example of every code in every place where it may stand. */
export const errorExamples: Readonly<Record<ErrorCode, CodeExample>> = {
  MALFORMED_JSON: document('The body is not JSON: Unexpected end of JSON input'),
  VALIDATION_FAILED: document('2 problems; see errors.', {
    errors: [
      { pointer: '/colour', code: 'UNKNOWN_FIELD', message: 'There is no field "colour" here.' },
      { pointer: '/inbound/ipv4/port', code: 'PORT_OUT_OF_RANGE', message: 'a port is 1 to 65535' },
    ],
  }),
  UNSUPPORTED_MEDIA_TYPE: document('Send the body as application/json.'),
  PAYLOAD_TOO_LARGE: document('The body has 1048577 bytes; up to 1048576 are taken.'),
  NOT_FOUND: document(`There is no Scanner ${scannerId}.`),
  REVISION_CONFLICT: document('The present revision is 18; read it and decide again.', { revision: 18 }),
  IDEMPOTENCY_KEY_REUSED: document('Another request was made under this Idempotency-Key.'),
  UNAVAILABLE: document('A service this operation needs does not answer; try again'),
  STORED_FORMAT: document('It has format 2; this version reads up to 1.'),
  THROTTLED: document('Too many writes on this Scanner at once.'),
  INTERNAL: {
    ...document('Something went wrong on our side'),
    ...job('The import was tried several times and never ended.'),
  },
  UNKNOWN_FIELD: problem('/colour', 'There is no field "colour" here.'),
  REQUIRED: problem('/inbound/ipv4', 'This field must be given.'),
  TYPE_INVALID: problem('/inbound/ipv4/port', 'Give a number; this is text.'),
  VALUE_INVALID: {
    ...problem('/query/limit', 'Give 1000 or less.'),
    value: { token: 'perhaps', message: 'The column "enabled" holds true or false.' },
  },
  SCANNER_ID_INVALID: problem(
    '/path/scannerId',
    '1 to 63 lower-case letters, digits and hyphens, starting with a letter or digit',
  ),
  IF_MATCH_INVALID: problem('/headers/if-match', 'Give one revision in quotes, as the ETag says it, or *.'),
  CURSOR_INVALID: document('The cursor is not one that this list gave, or the list it walked is gone'),
  CSR_INVALID: document('The certificate signing request cannot be read.'),
  SCANNER_EXISTS: document(`There is a Scanner ${scannerId} already.`),
  SCANNER_DECOMMISSIONED: document(`Scanner ${scannerId} was decommissioned at 2026-11-24T10:00:00.000Z.`),
  SCANNER_NOT_CLEARED: document(
    `The decommissioned Scanner ${scannerId} is still being cleared away; its id can be registered again in a moment.`,
  ),
  ENROLMENT_CONFLICT: document('Another enrolment of this Scanner was faster; enrol again'),
  SMTP_NOT_CONFIGURED: document(`Scanner ${scannerId} has no SMTP settings yet; save them with PUT.`),
  SECTION_NOT_IN_MODE: problem('/outbound', 'The mode "inbound" has no outbound section; leave it out.'),
  SECTION_REQUIRED: problem('/inbound', 'The mode "inbound" needs the inbound section.'),
  SECTION_GONE: warning(
    '/outbound',
    'The outbound section goes, and comes back with defaults only. Revision 17 has it: read it there, or restore that revision whole.',
  ),
  LISTENER_CONFLICT: problem(
    '/authentication/ipv4',
    'The inbound listener has the same address and port; authentication needs a pair of its own.',
  ),
  ADDRESS_INVALID: problem('/inbound/ipv4/address', '"192.0.2.256" is not an IPv4 address.'),
  PORT_OUT_OF_RANGE: problem('/inbound/ipv4/port', 'a port is 1 to 65535'),
  ADDRESS_NOT_ON_SCANNER: {
    ...problem('/inbound/ipv4/address', foreignAddress),
    ...warning('/inbound/ipv4/address', foreignAddress),
  },
  INTERFACES_UNKNOWN: warning(
    '',
    'The Scanner has not reported its interfaces yet, so its addresses could not be checked.',
  ),
  RELAY_HOSTS_REQUIRED: {
    ...document(relayHosts),
    ...problem('/outbound/nonLocalDelivery', relayHosts),
  },
  LOCAL_DELIVERY_EMPTY: warning(
    '/inbound',
    'There is no local-delivery host, so inbound mail has no place to go.',
  ),
  CERTIFICATE_REQUIRED: problem('/inbound/tls/certificateId', 'Accepting TLS needs a certificate.'),
  CERTIFICATE_NOT_FOUND: problem('/inbound/tls/certificateId', `There is no certificate ${certificateId}.`),
  CERTIFICATE_EXPIRED: {
    ...problem('/inbound/tls/certificateId', expired),
    ...warning('/inbound/tls/certificateId', expired),
  },
  CERTIFICATE_EXPIRING: warning(
    '/inbound/tls/certificateId',
    '"mx.example.com 2026" expires at 2026-12-01T00:00:00.000Z.',
  ),
  TLS_FIELDS_WITHOUT_TLS: problem(
    '/inbound/tls/require',
    'TLS is not accepted here, so "require" means nothing; leave it out or accept TLS.',
  ),
  CLIENT_CERTIFICATE_WITHOUT_REQUIRED_TLS: problem(
    '/inbound/tls/clientCertificate',
    'A client certificate can be required only where TLS is required.',
  ),
  CLIENT_CA_REQUIRED: problem(
    '/inbound/tls/clientCertificate',
    'There is no client authority to verify certificates of clients with; add one first.',
  ),
  MAY_REFUSE_SENDERS: warning(
    '/inbound/tls',
    'Ordinary senders on port 25 may have no TLS or no client certificate; what they send is then refused.',
  ),
  AUTHENTICATION_WITHOUT_TLS: warning(
    '/authentication/tls/require',
    'Without required TLS, passwords may cross the network in the clear.',
  ),
  SHARED_LISTENER_NAMES: warning(
    '/inbound',
    'Inbound and outbound share a listener, and the inbound list has domains: reverse lookups decide which way mail goes.',
  ),
  SHARED_LISTENER_TLS: warning(
    '/outbound/tls',
    'Inbound and outbound share a listener, but not their TLS; that of inbound is used for both.',
  ),
  SHARED_LISTENER_LIMITS: warning(
    '/outbound/maxMessageBytes',
    'Inbound and outbound share a listener, but not their advanced setting maxMessageBytes: give both the same, as a Postfix Scanner refuses what it cannot tell apart.',
  ),
  DIRECTORY_SOURCE_REQUIRED: problem(
    '/authentication/source',
    'No directory source has the function "authentication"; add one first.',
  ),
  LIMIT_CONFLICT: problem(
    '/delivery/minRetryMinutes',
    'minRetryMinutes is above maxRetryMinutes, which is 420.',
  ),
  BINDING_NOT_AVAILABLE: {
    ...problem('/bindings/nonLocal', noListener),
    ...warning('/bindings/nonLocal', noListener),
  },
  READ_ONLY_IGNORED: warning(
    '/revision',
    '"revision" is read-only and differs from what is stored; it was ignored.',
  ),
  LIST_EMPTY: {
    ...problem('/inbound/accept', emptyList),
    ...warning('/inbound/accept', emptyList),
    ...job(emptyList),
  },
  LIST_NOT_ACTIVE: {
    ...document(notListed),
    ...job(notListed),
  },
  PAGE_OUT_OF_RANGE: document('The list ends before page 6.'),
  NOT_AN_ENTRY: entry('192.0.2.300', 'Not an IPv4 address: four octets from 0 to 255.'),
  IPV4_LEADING_ZERO: entry(
    '192.0.2.010',
    'An octet has a leading zero, which some programs read as octal.',
    '192.0.2.10',
  ),
  IPV4_SHORT_FORM: entry('10/8', 'An IPv4 address has four octets.', '10.0.0.0/8'),
  IPV6_ZONE: entry('fe80::1%eth0', 'An entry has no zone: it would mean something only on one host.'),
  PREFIX_INVALID: entry('192.0.2.0/33', 'The prefix length is a number from 0 to 32.'),
  NETMASK_NOT_SUPPORTED: entry(
    '192.0.2.0/255.255.255.0',
    'A network is written with a prefix length, not with a mask.',
    '192.0.2.0/24',
  ),
  RANGE_NOT_SUPPORTED: entry(
    '192.0.2.0-192.0.2.255',
    'A range is written as one or more networks.',
    '192.0.2.0/24',
  ),
  DOMAIN_INVALID: entry('mail!.example.com', 'The name has characters that a domain name cannot have.'),
  DOMAIN_SINGLE_LABEL: entry('localhost', 'A domain has two labels or more.'),
  TOKEN_TOO_LONG: entry(`${'x'.repeat(40)}…`, 'An entry has at most 300 characters.'),
  COMMENT_INVALID: {
    ...problem('/entries/0/comment', comment),
    value: { token: '192.0.2.1', message: comment },
  },
  OPEN_RELAY: {
    ...problem('/entries', `${wideNetwork} To take it, add acknowledge=open-relay to the query.`),
    ...warning('/entries', wideNetwork),
    value: {
      token: '10.0.0.0/7',
      message:
        'A network this wide may make an open relay. To take it, import with "open-relay" in acknowledge: of the request, or in the object metadata of a drop.',
    },
  },
  SHARES_LINE_WITH_INVALID: {
    value: { token: '192.0.2.1', message: 'Accepted, but another value on this line is bad.' },
  },
  ENTRY_NOT_FOUND: document('The list has no entry 192.0.2.0/24.'),
  ENTRY_EXISTS: document('The list has an entry 192.0.2.0/24 already.'),
  COUNT_MISMATCH: document('The list has 12245 entries, not 12000.', { entries: 12_245 }),
  LISTED: reason(true),
  NOT_LISTED: reason(false),
  ONLY_DISABLED: reason(false),
  NAME_NEEDED: reason(null),
  ACCEPTS_ALL: reason(true),
  SECTION_ABSENT: reason(false),
  SECTION_DISABLED: reason(false),
  REVISION_GONE: reason(null),
  COVERED: finding('192.0.2.7', '192.0.2.0/24 lets in all that this entry does.', '192.0.2.0/24'),
  MERGEABLE: finding('192.0.2.0/25', 'With 192.0.2.128/25 it is 192.0.2.0/24.', '192.0.2.128/25'),
  NOT_PUBLIC: finding('10.0.0.0/8', 'No client on the Internet connects from there.'),
  MATCHES_EVERYTHING: finding('0.0.0.0/0', 'This network is all addresses.'),
  HOST_INVALID: problem('/host', '"mail server" is no IPv4 address and no host name.'),
  HOST_EXISTS: document('mail.example.com:25 is in the list already.'),
  IPV6_NOT_SUPPORTED: problem('/host', 'IPv6 addresses are not supported for this feature.'),
  MX_LOOKUP_NEEDS_NAME: problem('/mxLookup', 'MX records are looked up of names, not of addresses.'),
  CERTIFICATE_PEM_INVALID: problem('/certificatePem', 'There is no block "-----BEGIN CERTIFICATE-----".'),
  PRIVATE_KEY_INVALID: problem(
    '/privateKeyPem',
    'The key is encrypted; decrypt it first, for example with "openssl pkey -in key.pem -out plain.pem".',
  ),
  PRIVATE_KEY_MISMATCH: problem(
    '/privateKeyPem',
    'The key is not that of the first certificate: it is that of none of them.',
  ),
  CHAIN_BROKEN: problem(
    '/certificatePem',
    'Certificate 1 (CN=mx.example.com) was not issued by certificate 2 (CN=Example Root): its issuer, CN=Example Issuing Authority, is missing.',
  ),
  KEY_TOO_WEAK: problem(
    '/certificatePem',
    'Certificate 1 (CN=mx.example.com) has a key of RSA 1024; RSA of 2048 bits or more, P-256, P-384 and P-521 are taken.',
  ),
  CERTIFICATE_AUTHORITY_EXPECTED: problem(
    '/certificatePem',
    'Certificate 1 (CN=mx.example.com) is not a certificate of an authority (basic constraints).',
  ),
  CERTIFICATE_NOT_FOR_SERVERS: problem(
    '/certificatePem',
    'The certificate says what it is for (extended key usage), and authenticating a server is not among it.',
  ),
  CERTIFICATE_IS_AUTHORITY: warning(
    '/certificatePem',
    'The first certificate is that of an authority; clients may refuse it as a server’s. Is the order right?',
  ),
  KEY_RARELY_SUPPORTED: warning(
    '/certificatePem',
    'Many mail servers cannot use a key of Ed25519; RSA and EC are known everywhere.',
  ),
  CERTIFICATE_WITHOUT_NAMES: warning(
    '/certificatePem',
    'The certificate has no subject alternative names; clients that verify names will refuse it.',
  ),
  NAME_TAKEN: document('Another certificate is called "mx.example.com 2026"; case makes no difference.'),
  CERTIFICATE_IN_USE: document('2 Scanners use it: mx1, mx2.', users),
  CLIENT_AUTHORITY_IN_USE: document('2 Scanners use it: mx1, mx2.', users),
  DIRECTORY_SOURCE_IN_USE: document('2 Scanners use it: mx1, mx2.', users),
  TOO_MANY: document('There are 100, as many as there may be.'),
  DISTINGUISHED_NAME_INVALID: problem(
    '/baseDn',
    'At character 1: an attribute is expected, such as "ou=people".',
  ),
  FILTER_INVALID: problem(
    '/userFilter',
    'No value has %s or %u, so every user would find the same entry; write (mail=%s), for example.',
  ),
  DIRECTORY_WITHOUT_TLS: warning(
    '/tls',
    'Without TLS, passwords cross the network to the directory in the clear.',
  ),
  BIND_WITHOUT_PASSWORD: warning(
    '/bindPassword',
    'A name without a password binds as nobody (RFC 4513, section 5.1.2), and many directories refuse that.',
  ),
  FILE_EMPTY: job('The file has no entry.'),
  FILE_TOO_LARGE: job('The file has 536870913 bytes; up to 536870912 are taken.'),
  FILE_NOT_UTF8: job('The file has bytes that are not UTF-8. Save it as UTF-8.'),
  FILE_BINARY: job('The file has NUL bytes, so it is not text.'),
  FILE_COMPRESSED: job('The file is gzip. Upload what is in it.'),
  TOO_MANY_ENTRIES: {
    ...document('A list has at most 10000000 entries.'),
    ...job('A list has at most 10000000 entries.'),
  },
  INVALID_ENTRIES: job('6 of 12251 values cannot be taken; the report says which, and why.'),
  IMPORT_OPTION_INVALID: job('mode=append is none of: merge, replace, remove.'),
  TARGET_NOT_FOUND: job('There is no Scanner mx9.'),
  SOURCE_NOT_FOUND: job('There is no object imports/mx1/inbound/partners.txt.'),
  IMPORT_STATE: document('The import is completed; only one that is awaiting-confirmation can do this.'),
  SUPERSEDED: job('A newer upload under the same name was taken first'),
  ROLLOUT_STATE: document('The rollout is completed; only one that is running can do this.'),
  ROLLOUT_EXPIRED: document(
    'The rollout was created at 2026-11-17T10:00:00.000Z; after 6 days it commits nothing more.',
  ),
  ARTIFACT_NOT_NAMED: rejected('Revision 12 has no list or artifact with this root.'),
  ARTIFACT_SUPERSEDED: rejected('Revision 13 is desired now, and not 12.'),
  ARTIFACT_REQUEST_INVALID: rejected('✖ Too big: expected array to have <=40 items\n  → at hashes'),
};
