import { guardFile } from '../guard-configuration.ts';
import { mainFile } from './files.ts';
import type { Rendered } from './render.ts';

/** What a running Postfix needs to run something else. */
export type Change = 'none' | 'reload' | 'restart';

/**
 * Parameters that the master daemon, or all daemons alike, read once: postconf(5) asks for a stop and a start, or what they name is in use.
 * Listeners are not among them: their addresses and ports are names of services in master.cf, and a reload adds, changes and removes services.
 */
const readOnce = [
  'compatibility_level',
  'data_directory',
  'inet_interfaces',
  'inet_protocols',
  'maillog_file',
  'maillog_file_prefixes',
  'queue_directory',
];

type Files = Pick<Rendered, 'files'>;

const textsOf = ({ files }: Files): Map<string, string> =>
  new Map(Object.entries(files).flatMap(([path, { text }]) => (path === guardFile ? [] : [[path, text]])));

const onceOf = (main: string): string =>
  main
    .split('\n')
    .filter((line) => readOnce.includes(line.split(' = ')[0] ?? ''))
    .join('\n');

/** What it takes to get from one rendered configuration to another. What only the guard reads needs nothing of Postfix. */
export const changeOf = (before: Files, after: Files): Change => {
  const [old, wanted] = [textsOf(before), textsOf(after)];
  if (onceOf(old.get(mainFile) ?? '') !== onceOf(wanted.get(mainFile) ?? '')) return 'restart';
  const isSame = old.size === wanted.size && [...wanted].every(([path, text]) => old.get(path) === text);
  return isSame ? 'none' : 'reload';
};
