import type { Version } from '../version-folder.ts';
import { placesOf } from './guard-configuration.ts';
import type { Home } from './home.ts';
import type { MailSystem } from './mail-system.ts';
import { type Expected, type Patience, probe } from './probe.ts';
import { certificateFile } from './render/files.ts';
import type { Listener } from './render/listeners.ts';
import type { Rendered } from './render/render.ts';

const expectedOf = (listener: Listener, version: string, { files, guard, askingDns }: Rendered): Expected => {
  const { tls } = listener;
  const chain = files[certificateFile(tls.certificateId ?? '')]?.text;
  return {
    listener,
    version,
    chainPem: tls.accept ? (chain ?? null) : null,
    asksDns: askingDns.includes(listener.name),
    places: placesOf(listener, guard.rules),
  };
};

/** Looks at every listener of a version at once. @throws Error with what is wrong with the first that is not as it must be, and with what Postfix's log says. */
export const probeListeners = async (
  { home, mail, patience }: { home: Home; mail: MailSystem; patience: Patience },
  { name }: Pick<Version, 'name'>,
  rendered: Rendered,
  mark: number,
): Promise<void> => {
  const looks = rendered.listeners.map((listener) =>
    probe(home, expectedOf(listener, rendered.guard.askedAs ?? name, rendered), mail.isRunning, patience),
  );
  const outcomes = await Promise.allSettled(looks);
  const failed = outcomes.find((one) => one.status === 'rejected');
  if (!failed) return;
  const said = await mail.errorsSince(mark);
  const seen = (failed.reason as Error).message.replace(/\.$/, '');
  throw new Error(`${seen}.${said ? ` Postfix says: ${said}` : ''}`);
};
