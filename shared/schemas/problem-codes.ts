import type { ErrorCode } from '../errors.ts';

/** What a value is refused for that is to be an entry of an access list (DESIGN 4). */
export const entryProblems = [
  'NOT_AN_ENTRY',
  'IPV4_LEADING_ZERO',
  'IPV4_SHORT_FORM',
  'IPV6_ZONE',
  'PREFIX_INVALID',
  'NETMASK_NOT_SUPPORTED',
  'RANGE_NOT_SUPPORTED',
  'DOMAIN_INVALID',
  'DOMAIN_SINGLE_LABEL',
  'TOKEN_TOO_LONG',
] as const satisfies readonly ErrorCode[];

/** What a client is refused for that a match asks about: its address and its reverse name. */
export const clientProblems = [
  'ADDRESS_INVALID',
  'NOT_AN_ENTRY',
  'DOMAIN_INVALID',
  'DOMAIN_SINGLE_LABEL',
] as const satisfies readonly ErrorCode[];

/** What a host of a host list is refused for. */
export const hostProblems = [
  'HOST_INVALID',
  'IPV6_NOT_SUPPORTED',
  'MX_LOOKUP_NEEDS_NAME',
  'PORT_OUT_OF_RANGE',
] as const satisfies readonly ErrorCode[];

/** What settings are refused for, by themselves or for the rest of the configuration (DESIGN 3). */
export const settingsProblems = [
  'SECTION_NOT_IN_MODE',
  'SECTION_REQUIRED',
  'LISTENER_CONFLICT',
  'ADDRESS_INVALID',
  'PORT_OUT_OF_RANGE',
  'ADDRESS_NOT_ON_SCANNER',
  'RELAY_HOSTS_REQUIRED',
  'LIST_EMPTY',
  'CERTIFICATE_REQUIRED',
  'CERTIFICATE_NOT_FOUND',
  'CERTIFICATE_EXPIRED',
  'TLS_FIELDS_WITHOUT_TLS',
  'CLIENT_CERTIFICATE_WITHOUT_REQUIRED_TLS',
  'CLIENT_CA_REQUIRED',
  'DIRECTORY_SOURCE_REQUIRED',
  'HOST_INVALID',
] as const satisfies readonly ErrorCode[];

/** What advanced settings are refused for. */
export const advancedProblems = [
  'LIMIT_CONFLICT',
  'ADDRESS_INVALID',
  'DOMAIN_INVALID',
  'ADDRESS_NOT_ON_SCANNER',
  'BINDING_NOT_AVAILABLE',
] as const satisfies readonly ErrorCode[];

/** What certificates by which clients are verified are refused for (DESIGN 6). */
export const authorityProblems = [
  'CERTIFICATE_PEM_INVALID',
  'CERTIFICATE_AUTHORITY_EXPECTED',
  'CERTIFICATE_EXPIRED',
  'KEY_TOO_WEAK',
] as const satisfies readonly ErrorCode[];

/** What a certificate with its chain and key is refused for (DESIGN 6). */
export const certificateProblems = [
  ...authorityProblems,
  'CHAIN_BROKEN',
  'CERTIFICATE_NOT_FOR_SERVERS',
  'PRIVATE_KEY_INVALID',
  'PRIVATE_KEY_MISMATCH',
] as const satisfies readonly ErrorCode[];

/** What a directory source is refused for. */
export const directorySourceProblems = [
  'HOST_INVALID',
  'PORT_OUT_OF_RANGE',
  'DISTINGUISHED_NAME_INVALID',
  'FILTER_INVALID',
] as const satisfies readonly ErrorCode[];
