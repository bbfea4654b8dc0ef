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

/** True where every file has the same text. */
export const isSame = ({ files: before }: Files, { files: after }: Files): boolean =>
  Object.keys(before).length === Object.keys(after).length &&
  Object.entries(after).every(([path, { text }]) => before[path]?.text === text);

const withoutGuard = ({ files: { [guardFile]: _, ...files } }: Files): Files => ({ files });

const onceOf = ({ files }: Files): string =>
  (files[mainFile]?.text ?? '')
    .split('\n')
    .filter((line) => readOnce.includes(line.split(' = ')[0] ?? ''))
    .join('\n');

/** What it takes to get from one rendered configuration to another. What only the guard reads needs nothing of Postfix. */
export const changeOf = (before: Files, after: Files): Change => {
  if (onceOf(before) !== onceOf(after)) return 'restart';
  return isSame(withoutGuard(before), withoutGuard(after)) ? 'none' : 'reload';
};
