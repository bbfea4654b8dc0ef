import type { Problem, Warning } from '../errors.ts';
import type { InventoryReported } from '../messages/shadow.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';

type Interfaces = InventoryReported['interfaces'];

const sections = ['inbound', 'outbound', 'authentication'] as const;
const families = ['ipv4', 'ipv6'] as const;

interface Listener {
  pointer: string;
  address: string;
}

/** Every listener's address of canonical settings, with where it stands. A section that is switched off listens on nothing. */
const listenersOf = (settings: SmtpSettings | null): Listener[] =>
  sections.flatMap((section) => {
    const holder = settings?.[section];
    if (!holder || (section === 'authentication' && settings?.authentication?.enabled !== true)) return [];
    return families.flatMap((family) => {
      const listener = holder[family];
      return listener ? [{ pointer: `/${section}/${family}/address`, address: listener.address }] : [];
    });
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
