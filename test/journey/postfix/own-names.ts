import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runToSuccess } from '../../../scanner/postfix/program.ts';
import type { PostfixParts } from '../../../scanner/postfix/steps.ts';

/** What names mean to a Postfix. */
export interface OwnNames {
  /** Addresses with their names, as in `/etc/hosts`. */
  hosts?: readonly (readonly [address: string, name: string])[];
  /** The address of the DNS server. Without one, no DNS is asked. */
  nameserver?: string;
}

/** Why a Postfix here cannot have names of its own; empty where it can. */
export const whyNoNames = (): string => {
  try {
    const words = ['--mount', 'mount', '--bind', '/etc/hosts', '/etc/hosts'];
    execFileSync('unshare', words, { stdio: 'ignore' });
    return '';
  } catch {
    return 'this host does not let Postfix have names of its own (unshare --mount)';
  }
};

/**
 * Files of `/etc`, resolv.conf(5) among them: one try, and a name is asked for as it is. Five seconds, in which a DNS server on a busy machine answers.
 */
const filesOf = ({ hosts = [], nameserver }: OwnNames): Record<string, string> => ({
  hosts: hosts.map(([address, name]) => `${address} ${name}\n`).join(''),
  'nsswitch.conf': `hosts: files${nameserver ? ' dns' : ''}\n`,
  ...(nameserver
    ? { 'resolv.conf': `nameserver ${nameserver}\nsearch .\noptions timeout:5 attempts:1\n` }
    : {}),
});

const script =
  'for file in "$1"/*; do mount --bind "$file" "/etc/$(basename "$file")" || exit; done; exec postfix -c "$2" start';

/** Postfix starts in a mount namespace, where these files stand in the place of the host's: nothing of the host is changed. */
export const withNames =
  (names: OwnNames) =>
  (parts: PostfixParts, dir: string): PostfixParts => {
    const folder = join(dir, 'names');
    mkdirSync(folder);
    for (const [name, text] of Object.entries(filesOf(names))) writeFileSync(join(folder, name), text);
    const words = ['--mount', 'sh', '-c', script, 'sh', folder, parts.versions.current];
    return {
      ...parts,
      mail: {
        ...parts.mail,
        start: async () => {
          await runToSuccess('unshare', words);
        },
      },
    };
  };
