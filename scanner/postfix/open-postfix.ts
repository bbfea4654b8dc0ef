import * as nodeFiles from 'node:fs/promises';
import type { Files } from '../version-folder.ts';
import { versionsIn } from '../versions.ts';
import { softwareVersion } from './guard/software.ts';
import { guardKeeper } from './guard-keeper.ts';
import { type Home, type HomeOptions, openHome } from './home.ts';
import { mailSystemOf } from './mail-system.ts';
import { ownServices, systemServices } from './services.ts';
import type { PostfixParts } from './steps.ts';

export interface PostfixOptions extends HomeOptions {
  /** The Scanner's id: names the units of systemd. */
  id: string;
  log: (line: string) => void;
  files?: Files;
}

/** What clients and other servers make of a name that is none in DNS is theirs; many refuse it. */
const warnOfShortName = ({ hostName }: Pick<Home, 'hostName'>, log: PostfixOptions['log']): void => {
  if (!hostName.includes('.'))
    log(
      `WARNING: Postfix calls this host "${hostName}", which is no full name: other servers may refuse its mail. Give one with --host-name mx1.example.com`,
    );
};

/**
 * Everything that a sink of this host's Postfix is made of, in the Scanner's folder.
 * @throws PostfixUnusable
 */
export const openPostfix = async (options: PostfixOptions): Promise<PostfixParts> => {
  const { id, log, files = nodeFiles } = options;
  const home = await openHome(options);
  warnOfShortName(home, log);
  const versions = versionsIn(home.dir, files);
  const services = home.logFolder ? ownServices(home, versions.current, home.logFolder) : systemServices(id);
  return {
    home,
    versions,
    mail: mailSystemOf(home, versions.current, services),
    guard: guardKeeper(home, services, { software: softwareVersion(), log }),
    outlive: services.outlive,
    log,
  };
};
