import type { Warning } from '../errors.ts';
import type { AdvancedSettings } from '../schemas/advanced.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Family, families } from './sections.ts';

/** Address families in which the inbound and the outbound section listen on the same address and port. */
export const sharedFamilies = ({ inbound, outbound }: SmtpSettings): Family[] =>
  families.filter((family) => {
    const [one, other] = [inbound?.[family], outbound?.[family]];
    return one && other && one.address === other.address && one.port === other.port;
  });

/** True when inbound and outbound share a listener: then the outbound list is asked first, and decides which way mail goes. */
export const sharesListener = (settings: SmtpSettings): boolean => sharedFamilies(settings).length > 0;

const offered = (tls: { accept: boolean; certificateId: string | null }) => ({
  accept: tls.accept,
  certificateId: tls.certificateId,
});

/**
 * What to know of a listener that inbound and outbound share (DESIGN 3): with domain entries each client's name is looked up, and fails where
 * DNS does; and there can be only one kind of TLS before it is known which way mail goes.
 */
export const sharedListenerWarnings = (
  settings: SmtpSettings,
  domainEntries: readonly ('inbound' | 'outbound')[],
): Warning[] => {
  const [family] = sharedFamilies(settings);
  const { inbound, outbound } = settings;
  if (!family || !inbound || !outbound) return [];
  const byName = domainEntries.map(
    (list): Warning => ({
      pointer: `/${list}`,
      code: 'SHARED_LISTENER_NAMES',
      message: `Inbound and outbound share a listener, and the ${list} list has domains: reverse lookups decide which way mail goes.`,
    }),
  );
  const differs = canonicalJson(offered(inbound.tls)) !== canonicalJson(offered(outbound.tls));
  const byTls: Warning[] = differs
    ? [
        {
          pointer: '/outbound/tls',
          code: 'SHARED_LISTENER_TLS',
          message:
            'Inbound and outbound share a listener, but not their TLS; that of inbound is used for both.',
        },
      ]
    : [];
  return [...byName, ...byTls];
};

/** Advanced limits that hold before it is known which way mail goes. */
const sharedLimits = ['maxMessageBytes', 'maxRecipientsPerMessage'] as const;

/** Those of them that inbound and outbound do not have in common. */
export const differingLimits = ({ inbound, outbound }: AdvancedSettings) =>
  sharedLimits.filter((name) => inbound[name] !== outbound[name]);

/**
 * What to know of advanced limits where inbound and outbound share a listener: a Scanner that has one for both refuses two. Pointers lead into the advanced
 * settings, also where the settings are shown.
 */
export const sharedLimitWarnings = (smtp: SmtpSettings | null, advanced: AdvancedSettings): Warning[] =>
  smtp && sharesListener(smtp)
    ? differingLimits(advanced).map((name) => ({
        pointer: `/outbound/${name}`,
        code: 'SHARED_LISTENER_LIMITS',
        message: `Inbound and outbound share a listener, but not their advanced setting ${name}: give both the same, as a Postfix Scanner refuses what it cannot tell apart.`,
      }))
    : [];
