import type { Problem, Warning } from '../errors.ts';
import type { InventoryReported } from '../messages/shadow.ts';
import { type SmtpSettings, smtpSettings } from '../schemas/smtp.ts';
import { hostSpecificPaths, valueAt } from './host-specific.ts';
import { pointerOf } from './pointer.ts';
import { isObject } from './sections.ts';

type Interfaces = InventoryReported['interfaces'];

interface Listener {
  pointer: string;
  address: string;
}

/** What belongs to one host alone is where its addresses are. */
const paths = hostSpecificPaths(smtpSettings);

/** Every listener's address of canonical settings, with where it stands. A section that is switched off listens on nothing. */
const listenersOf = (settings: SmtpSettings | null): Listener[] =>
  paths.flatMap((path) => {
    const [section] = path;
    if (!settings || (section === 'authentication' && settings.authentication?.enabled !== true)) return [];
    const listener = valueAt(settings, path);
    return isObject(listener) && typeof listener['address'] === 'string'
      ? [{ pointer: pointerOf([...path, 'address']), address: listener['address'] }]
      : [];
  });

const foreign = ({ pointer, address }: Listener): Problem => ({
  pointer,
  code: 'ADDRESS_NOT_ON_SCANNER',
  message: `${address} is on none of the interfaces that the Scanner reported.`,
});

const unknown: Warning = {
  pointer: '',
  code: 'INTERFACES_UNKNOWN',
  message: 'The Scanner has not reported its interfaces yet, so its addresses could not be checked.',
};

/**
 * Listener addresses are among the interfaces that the Scanner reported (tab row "Authentication mail IP address"; DESIGN 3). A write is
 * refused only for an address that it changes; one that was there before, and everything before the first report, is warned of.
 */
export const interfaceVerdict = (
  settings: SmtpSettings,
  interfaces: Interfaces | null,
  before: SmtpSettings | null,
): { problems: Problem[]; warnings: Warning[] } => {
  const listeners = listenersOf(settings);
  if (interfaces === null || interfaces.length === 0)
    return { problems: [], warnings: listeners.length > 0 ? [unknown] : [] };
  const own = new Set(interfaces.flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6]));
  const kept = new Map(listenersOf(before).map(({ pointer, address }) => [pointer, address]));
  const missing = listeners.filter(({ address }) => !own.has(address));
  return {
    problems: missing.filter(({ pointer, address }) => kept.get(pointer) !== address).map(foreign),
    warnings: missing.filter(({ pointer, address }) => kept.get(pointer) === address).map(foreign),
  };
};
