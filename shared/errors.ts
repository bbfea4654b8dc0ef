/**
 * Every code this project answers with, in one table: problems, warnings and reasons alike.
 * `docs/errors.md` is generated from it and a test holds the two equal.
 * An edge (HTTP, worker, Scanner) maps the kind; nothing below an edge knows a status.
 */
export type ErrorKind =
  | 'malformed'
  | 'denied'
  | 'missing'
  | 'conflict'
  | 'precondition'
  | 'too-large'
  | 'unsupported'
  | 'invalid'
  | 'limit'
  | 'unavailable'
  | 'bug';

/** The status of each kind over HTTP: the map of that edge and of its documentation. */
export const statusOfKind: Record<ErrorKind, number> = {
  malformed: 400,
  denied: 403,
  missing: 404,
  conflict: 409,
  precondition: 412,
  'too-large': 413,
  unsupported: 415,
  invalid: 422,
  limit: 429,
  unavailable: 503,
  bug: 500,
};

interface ErrorEntry {
  readonly kind: ErrorKind;
  readonly title: string;
}

const entry = (kind: ErrorKind, title: string): ErrorEntry => ({ kind, title });

export const errors = {
  // the request as a whole
  MALFORMED_JSON: entry('malformed', 'The body is not JSON'),
  VALIDATION_FAILED: entry('invalid', 'The request breaks one or more rules'),
  UNSUPPORTED_MEDIA_TYPE: entry(
    'unsupported',
    'The body has a content type that this operation does not take',
  ),
  PAYLOAD_TOO_LARGE: entry('too-large', 'The body is larger than this operation takes'),
  NOT_FOUND: entry('missing', 'There is no such thing'),
  REVISION_CONFLICT: entry(
    'precondition',
    'The part being written has changed since the revision in If-Match',
  ),
  IDEMPOTENCY_KEY_REUSED: entry('invalid', 'Another request was made under this Idempotency-Key'),
  UNAVAILABLE: entry('unavailable', 'A service this operation needs does not answer; try again'),
  THROTTLED: entry('limit', 'Too many requests at once; try again'),
  STORED_FORMAT: entry(
    'unavailable',
    'This was stored by a newer version of the control plane; try again when the deployment is done',
  ),
  INTERNAL: entry('bug', 'Something went wrong on our side'),
  // one value of a request
  UNKNOWN_FIELD: entry('invalid', 'A field that this document does not have'),
  REQUIRED: entry('invalid', 'A field that must be given is missing'),
  TYPE_INVALID: entry('invalid', 'A value of the wrong type'),
  VALUE_INVALID: entry('invalid', 'A value outside what is allowed'),
  SCANNER_ID_INVALID: entry(
    'invalid',
    'A Scanner id is 1 to 63 lower-case letters, digits and hyphens, and starts with a letter or digit',
  ),
  IF_MATCH_INVALID: entry('invalid', 'If-Match takes one revision in quotes, or *'),
  CURSOR_INVALID: entry(
    'invalid',
    'The cursor is not one that this list gave, or the list it walked is gone',
  ),
  CSR_INVALID: entry('invalid', 'The certificate signing request cannot be used'),
  // Scanners
  SCANNER_EXISTS: entry('conflict', 'A Scanner with this id is registered'),
  SCANNER_DECOMMISSIONED: entry(
    'conflict',
    'The Scanner is decommissioned; its history can be read, and nothing else',
  ),
  SCANNER_NOT_CLEARED: entry(
    'conflict',
    'What the decommissioned Scanner of this id left behind is still being cleared away; try again',
  ),
  ENROLMENT_CONFLICT: entry('conflict', 'Another enrolment of this Scanner was faster; enrol again'),
  // settings
  SMTP_NOT_CONFIGURED: entry('missing', 'This Scanner has no SMTP settings yet'),
  SECTION_NOT_IN_MODE: entry('invalid', 'A section that the mail filtering mode does not show'),
  SECTION_REQUIRED: entry('invalid', 'A section that the mail filtering mode shows is missing'),
  SECTION_GONE: entry('invalid', 'A section that was there goes; an older revision still has it'),
  LISTENER_CONFLICT: entry(
    'invalid',
    'The authentication listener shares its address and port with another listener',
  ),
  ADDRESS_INVALID: entry('invalid', 'Not an address of the expected family'),
  PORT_OUT_OF_RANGE: entry('invalid', 'A port is 1 to 65535'),
  ADDRESS_NOT_ON_SCANNER: entry('invalid', 'An address that is on none of the Scanner’s interfaces'),
  INTERFACES_UNKNOWN: entry('invalid', 'The Scanner has not reported its interfaces yet'),
  RELAY_HOSTS_REQUIRED: entry(
    'conflict',
    'Mail for other domains is relayed, and there would be no relay host',
  ),
  LOCAL_DELIVERY_EMPTY: entry('invalid', 'Inbound mail has no host to be delivered to'),
  CERTIFICATE_REQUIRED: entry('invalid', 'Accepting TLS needs a certificate'),
  CERTIFICATE_NOT_FOUND: entry('invalid', 'There is no such certificate'),
  CERTIFICATE_EXPIRED: entry('invalid', 'A certificate that is expired, or not valid yet'),
  CERTIFICATE_EXPIRING: entry('invalid', 'A certificate that expires within 30 days'),
  TLS_FIELDS_WITHOUT_TLS: entry('invalid', 'TLS is not accepted, but other TLS fields are given'),
  CLIENT_CERTIFICATE_WITHOUT_REQUIRED_TLS: entry(
    'invalid',
    'A client certificate can be required only where TLS is required',
  ),
  CLIENT_CA_REQUIRED: entry(
    'invalid',
    'Client certificates are verified by a client authority, and there is none',
  ),
  MAY_REFUSE_SENDERS: entry('invalid', 'Port 25 asks for more than ordinary senders may have'),
  AUTHENTICATION_WITHOUT_TLS: entry('invalid', 'Passwords may cross the network in the clear'),
  SHARED_LISTENER_NAMES: entry(
    'invalid',
    'Inbound and outbound share a listener, and reverse lookups decide which way mail goes',
  ),
  SHARED_LISTENER_TLS: entry('invalid', 'Inbound and outbound share a listener, but not their TLS'),
  SHARED_LISTENER_LIMITS: entry(
    'invalid',
    'Inbound and outbound share a listener, but not a limit that holds before it is known which way mail goes',
  ),
  DIRECTORY_SOURCE_REQUIRED: entry(
    'invalid',
    'Users are authenticated by a directory source, and none has that function',
  ),
  LIMIT_CONFLICT: entry('invalid', 'A limit that another limit makes impossible'),
  BINDING_NOT_AVAILABLE: entry('invalid', 'A binding to a listener that this Scanner does not have'),
  READ_ONLY_IGNORED: entry('invalid', 'A read-only field differs from what is stored and was ignored'),
  // lists
  LIST_EMPTY: entry(
    'invalid',
    'A list that decides who may connect would have no enabled entry, which refuses everybody',
  ),
  LIST_NOT_ACTIVE: entry(
    'conflict',
    'The section of this list accepts all clients or is absent, so the list decides nothing',
  ),
  ENTRY_NOT_FOUND: entry('missing', 'The list has no entry with this value'),
  ENTRY_EXISTS: entry('conflict', 'The list has another entry with this value'),
  COUNT_MISMATCH: entry('conflict', 'The list has another number of entries than the request says'),
  PAGE_OUT_OF_RANGE: entry('missing', 'The list has no page with this number'),
  // one entry of a list
  NOT_AN_ENTRY: entry('invalid', 'Not an address, a network or a domain'),
  IPV4_LEADING_ZERO: entry('invalid', 'An IPv4 octet is written with a leading zero'),
  IPV4_SHORT_FORM: entry(
    'invalid',
    'An IPv4 address is written with fewer than four octets, or in hex, octal or integer form',
  ),
  IPV6_ZONE: entry('invalid', 'An IPv6 address is written with a zone'),
  PREFIX_INVALID: entry('invalid', 'The prefix length is not one for this address family'),
  NETMASK_NOT_SUPPORTED: entry('invalid', 'A network is written with a mask; write it with a prefix length'),
  RANGE_NOT_SUPPORTED: entry('invalid', 'A range of addresses; write it as networks'),
  DOMAIN_INVALID: entry('invalid', 'Not a domain name'),
  DOMAIN_SINGLE_LABEL: entry('invalid', 'A domain of one label'),
  TOKEN_TOO_LONG: entry('invalid', 'Longer than any entry can be'),
  COMMENT_INVALID: entry('invalid', 'A comment is up to 255 characters without control characters'),
  OPEN_RELAY: entry('invalid', 'A network this wide on the outbound list may make an open relay'),
  SHARES_LINE_WITH_INVALID: entry('invalid', 'An accepted value that shares its line with a bad one'),
  // what a match says of a client, and why
  LISTED: entry('invalid', 'An enabled entry of the list lets the client in'),
  NOT_LISTED: entry('invalid', 'No entry of the list lets the client in'),
  ONLY_DISABLED: entry('invalid', 'Only disabled entries of the list would let the client in'),
  NAME_NEEDED: entry(
    'invalid',
    'No address lets the client in; a domain may: ask again with `name`, its verified reverse name',
  ),
  ACCEPTS_ALL: entry('invalid', 'The section accepts all clients, whatever the list has'),
  SECTION_ABSENT: entry(
    'invalid',
    'The mail filtering mode has no such section, so nobody can connect to it',
  ),
  SECTION_DISABLED: entry('invalid', 'The section is switched off, so nobody can connect to it'),
  REVISION_GONE: entry('invalid', 'The revision that the Scanner applied is no longer kept'),
  // what lint finds in a list
  COVERED: entry('invalid', 'Another entry lets in all that this one does'),
  MERGEABLE: entry('invalid', 'Entries beside each other that are one network'),
  NOT_PUBLIC: entry('invalid', 'A range from which no client on the Internet connects'),
  MATCHES_EVERYTHING: entry('invalid', 'A network of all addresses'),
  // hosts
  HOST_INVALID: entry('invalid', 'Not an IPv4 address and not a host name'),
  HOST_EXISTS: entry('conflict', 'The list has a host with this name, port and lookup'),
  IPV6_NOT_SUPPORTED: entry('invalid', 'IPv6 addresses are not supported for hosts'),
  MX_LOOKUP_NEEDS_NAME: entry('invalid', 'MX records are looked up of names, not of addresses'),
  // certificates, client authorities, directory sources
  CERTIFICATE_PEM_INVALID: entry('invalid', 'Not certificates in PEM'),
  PRIVATE_KEY_INVALID: entry('invalid', 'Not an unencrypted private key in PEM'),
  PRIVATE_KEY_MISMATCH: entry('invalid', 'The private key is not that of the certificate'),
  CHAIN_BROKEN: entry('invalid', 'A certificate of the chain was not issued by the one that follows it'),
  KEY_TOO_WEAK: entry('invalid', 'A key or signature weaker than RSA 2048, P-256 and SHA-256'),
  CERTIFICATE_AUTHORITY_EXPECTED: entry('invalid', 'Not a certificate of a certificate authority'),
  CERTIFICATE_NOT_FOR_SERVERS: entry('invalid', 'A certificate that is not meant for servers'),
  CERTIFICATE_IS_AUTHORITY: entry(
    'invalid',
    'A certificate of an authority where one of a server is expected',
  ),
  KEY_RARELY_SUPPORTED: entry('invalid', 'A kind of key that many mail servers cannot use'),
  CERTIFICATE_WITHOUT_NAMES: entry('invalid', 'A certificate without subject alternative names'),
  NAME_TAKEN: entry('conflict', 'Another one has this name'),
  CERTIFICATE_IN_USE: entry('conflict', 'Scanners use this certificate'),
  CLIENT_AUTHORITY_IN_USE: entry(
    'conflict',
    'Scanners verify client certificates, and this is the last authority',
  ),
  DIRECTORY_SOURCE_IN_USE: entry(
    'conflict',
    'Scanners authenticate users by directory sources, and this is the last one with that function',
  ),
  TOO_MANY: entry('conflict', 'There are as many as there may be'),
  DISTINGUISHED_NAME_INVALID: entry('invalid', 'Not a distinguished name (RFC 4514)'),
  FILTER_INVALID: entry('invalid', 'Not a search filter (RFC 4515) with a place for the name of the user'),
  DIRECTORY_WITHOUT_TLS: entry('invalid', 'Passwords cross the network to a directory in the clear'),
  BIND_WITHOUT_PASSWORD: entry('invalid', 'A directory is asked under a name without its password'),
  // import files and jobs
  FILE_EMPTY: entry('invalid', 'The file has no entry, and is not the exported CSV of an empty list'),
  FILE_TOO_LARGE: entry('too-large', 'The file is larger than an import takes'),
  FILE_NOT_UTF8: entry('invalid', 'The file is not UTF-8 text'),
  FILE_BINARY: entry('invalid', 'The file is not text'),
  FILE_COMPRESSED: entry('invalid', 'The file is compressed'),
  TOO_MANY_ENTRIES: entry('too-large', 'The list would have more entries than a list may have'),
  INVALID_ENTRIES: entry(
    'invalid',
    'The file has values that cannot be taken, and the import was asked to reject such a file',
  ),
  IMPORT_OPTION_INVALID: entry('invalid', 'An option of the import is not one of the allowed values'),
  TARGET_NOT_FOUND: entry('missing', 'The Scanner or the list that the object key names does not exist'),
  SOURCE_NOT_FOUND: entry('missing', 'The uploaded object is gone'),
  IMPORT_STATE: entry('conflict', 'The job is not in a state that allows this'),
  SUPERSEDED: entry('conflict', 'A newer upload under the same name was taken first'),
  // rollouts
  ROLLOUT_STATE: entry('conflict', 'The rollout is not in a state that allows this'),
  ROLLOUT_EXPIRED: entry('conflict', 'The rollout was created too long ago to commit anything'),
  // Scanner side: artifacts
  ARTIFACT_NOT_NAMED: entry('denied', 'An object that this revision of this Scanner does not name'),
  ARTIFACT_SUPERSEDED: entry(
    'conflict',
    'A newer revision is desired than the one whose object is asked for',
  ),
  ARTIFACT_REQUEST_INVALID: entry('invalid', 'The request for artifacts is not well formed'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errors;

/** True for a string that is a code of the table. */
export const isErrorCode = (value: string): value is ErrorCode => Object.hasOwn(errors, value);

/** One thing wrong in a request: where (a JSON pointer, RFC 6901), which rule, in words, and what to write instead. */
export interface Problem {
  pointer: string;
  code: ErrorCode;
  message: string;
  suggestion?: string;
}

/** What never blocks but should be known. The codes come from the same table. */
export type Warning = Omit<Problem, 'suggestion'>;

/**
 * A mistake of the world: a request, a file, a fault of a service. Programmer mistakes are `TypeError`s.
 * `detail` is a sentence for people; `problems` says every single thing that is wrong; `data` rides along in
 * the problem document.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    options: {
      problems?: readonly Problem[];
      data?: Readonly<Record<string, unknown>>;
      cause?: unknown;
    } = {},
  ) {
    super(detail ?? errors[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
    this.data = options.data ?? {};
  }

  /** The kind from the table, for an edge to map. */
  get kind(): ErrorKind {
    return errors[this.code].kind;
  }
}

/** True when `error` is an AppError with this code. */
export const hasCode = (error: unknown, code: ErrorCode): error is AppError =>
  error instanceof AppError && error.code === code;
