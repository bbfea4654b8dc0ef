import type { Problem, Warning } from '../errors.ts';
import {
  type DirectorySource,
  type DirectorySourceInput,
  directoryFunctions,
} from '../schemas/directory-sources.ts';
import { distinguishedNameFault } from './distinguished-name.ts';
import { canonicalServer } from './hosts.ts';
import { filterFault } from './search-filter.ts';
import { isObject, type JsonObject, problem } from './sections.ts';

/** Most directory sources, and most client authorities: bounds of ours, so that what a Scanner fetches stays small. */
export const mostDirectorySources = 100;
export const mostClientAuthorities = 100;

const nameProblems = (body: JsonObject, member: 'bindDn' | 'baseDn'): Problem[] => {
  const given = body[member];
  if (typeof given !== 'string') return [];
  const why =
    member === 'bindDn' && given === ''
      ? 'The name is empty; give null to ask anonymously.'
      : distinguishedNameFault(given);
  return why === undefined ? [] : [problem(`/${member}`, 'DISTINGUISHED_NAME_INVALID', why)];
};

const filterProblems = ({ userFilter }: JsonObject): Problem[] => {
  if (typeof userFilter !== 'string' || userFilter === '') return [];
  const fault = filterFault(userFilter);
  if (fault !== undefined) return [problem('/userFilter', 'FILTER_INVALID', fault)];
  return /=[^()]*%[su]/.test(userFilter)
    ? []
    : [
        problem(
          '/userFilter',
          'FILTER_INVALID',
          'No value has %s or %u, so every user would find the same entry; write (mail=%s), for example.',
        ),
      ];
};

const hostProblems = ({ host }: JsonObject): Problem[] =>
  typeof host !== 'string' || host === '' || canonicalServer(host) !== null
    ? []
    : [problem('/host', 'HOST_INVALID', `"${host}" is no address and no host name.`)];

const functionProblems = ({ functions }: JsonObject): Problem[] =>
  Array.isArray(functions)
    ? functions.flatMap((one, index) =>
        functions.indexOf(one) < index
          ? [
              problem(
                `/functions/${index}`,
                'VALUE_INVALID',
                'This function is there already; each is given once.',
              ),
            ]
          : [],
      )
    : [];

const passwordProblems = ({ bindDn, bindPassword }: JsonObject): Problem[] =>
  typeof bindPassword === 'string' && (bindDn === null || bindDn === undefined)
    ? [problem('/bindDn', 'REQUIRED', 'A password needs the name that it belongs to.')]
    : [];

/** Every rule of a directory source that its document alone decides, judged on the body as it came. */
export const directorySourceProblems = (body: unknown): Problem[] =>
  isObject(body)
    ? [
        ...functionProblems(body),
        ...hostProblems(body),
        ...nameProblems(body, 'bindDn'),
        ...nameProblems(body, 'baseDn'),
        ...filterProblems(body),
        ...passwordProblems(body),
      ]
    : [];

/** A directory source with its password, as only the secret store has it. */
export interface StoredSource extends Omit<DirectorySource, 'hasBindPassword' | 'warnings'> {
  bindPassword: string | null;
}

const standardPort = (tls: DirectorySourceInput['tls']): number => (tls === 'ldaps' ? 636 : 389);

/** A valid source in its one form: host canonical, functions in one order, port filled in. */
export const canonicalSource = ({
  bindPassword: _,
  ...given
}: DirectorySourceInput): Omit<
  StoredSource,
  'directorySourceId' | 'bindPassword' | 'passwordChangedAt' | 'version' | 'createdAt' | 'updatedAt'
> => ({
  ...given,
  functions: directoryFunctions.filter((name) => given.functions.includes(name)),
  host: canonicalServer(given.host) ?? given.host,
  port: given.port ?? standardPort(given.tls),
});

/** The password after a write: the one given, none for null, the stored one where nothing is said. */
export const passwordAfter = (given: string | null | undefined, stored: string | null): string | null =>
  given === undefined ? stored : given;

/** Where a password would go that it was not given for: elsewhere, or there without TLS. */
const goesElsewhere = (given: DirectorySourceInput, stored: StoredSource): boolean => {
  const wanted = canonicalSource(given);
  const moved = (['host', 'port', 'bindDn'] as const).some((member) => wanted[member] !== stored[member]);
  return moved || (wanted.tls === 'none' && stored.tls !== 'none');
};

/**
 * A stored password needs its name as one that is given does, and goes nowhere that it was not given for: who may change a source
 * but does not know its password must not be able to have it sent to a host of their own.
 */
export const keptPasswordProblems = (given: DirectorySourceInput, stored: StoredSource): Problem[] => {
  if (given.bindPassword !== undefined || stored.bindPassword === null) return [];
  if (given.bindDn === null)
    return [
      problem(
        '/bindDn',
        'REQUIRED',
        'The stored password needs the name that it belongs to; give "bindPassword": null to remove it.',
      ),
    ];
  return goesElsewhere(given, stored)
    ? [
        problem(
          '/bindPassword',
          'REQUIRED',
          'The stored password was given for another host, port or name, or for TLS; give it again, or null to remove it.',
        ),
      ]
    : [];
};

/** What is allowed of a directory source, but should be known. */
export const directorySourceWarnings = (source: StoredSource): Warning[] => [
  ...(source.tls === 'none' && (source.bindPassword !== null || source.functions.includes('authentication'))
    ? [
        problem(
          '/tls',
          'DIRECTORY_WITHOUT_TLS',
          'Without TLS, passwords cross the network to the directory in the clear.',
        ),
      ]
    : []),
  ...(source.bindDn !== null && source.bindPassword === null
    ? [
        problem(
          '/bindPassword',
          'BIND_WITHOUT_PASSWORD',
          'A name without a password binds as nobody (RFC 4513, section 5.1.2), and many directories refuse that.',
        ),
      ]
    : []),
];

/** What anyone may see of a source. */
export const publicSource = ({
  bindPassword,
  ...shown
}: StoredSource): Omit<DirectorySource, 'warnings'> => ({
  ...shown,
  hasBindPassword: bindPassword !== null,
});

export const authenticates = ({ functions }: Pick<StoredSource, 'functions'>): boolean =>
  functions.includes('authentication');
