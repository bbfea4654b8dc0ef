import type { Problem, Warning } from '../errors.ts';
import type { InventoryReported } from '../messages/shadow.ts';
import type { AdvancedSettings } from '../schemas/advanced.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import { advancedVerdict } from './advanced.ts';
import { asksDirectories, verifiesClients } from './artifacts.ts';
import { type CertificateFacts, certificateVerdict } from './certificates.ts';
import type { Configuration } from './configuration.ts';
import { hostVerdict } from './hosts.ts';
import { interfaceVerdict } from './interfaces.ts';
import { sharedListenerWarnings } from './listeners.ts';
import { problem } from './sections.ts';
import { emptyListVerdict } from './settings.ts';
import { tlsWarnings } from './tls.ts';

/** What settings are judged against, besides themselves. */
export interface Context {
  lists: Configuration['lists'];
  advanced: AdvancedSettings;
  /** The advanced settings that are in force. */
  advancedBefore: AdvancedSettings;
  /** As the Scanner reported them; null before it has. */
  interfaces: InventoryReported['interfaces'] | null;
  /** Certificates that are named, by id. */
  certificates: ReadonlyMap<string, CertificateFacts>;
  /** Directory sources that have the function `authentication`. */
  authenticationSources: number;
  clientAuthorities: number;
  /** Lists of a listener that inbound and outbound share which have domain entries. */
  domainEntries: readonly ('inbound' | 'outbound')[];
  /** The settings that these replace: what a write does not change, it is not refused for. */
  before: SmtpSettings | null;
  acknowledged: readonly Acknowledgement[];
  now: Date;
}

export interface Verdict {
  problems: Problem[];
  warnings: Warning[];
}

export const noVerdict: Verdict = { problems: [], warnings: [] };

/** All that several rules say, together. */
export const together = (...verdicts: Verdict[]): Verdict => ({
  problems: verdicts.flatMap((verdict) => verdict.problems),
  warnings: verdicts.flatMap((verdict) => verdict.warnings),
});

const warningsOnly = (warnings: Warning[]): Verdict => ({ problems: [], warnings });

/** Tab row "Authentication Source": "you must have a directory data source defined for authentication". */
const directoryVerdict = (settings: SmtpSettings, { authenticationSources }: Context): Verdict => ({
  problems:
    asksDirectories(settings) && authenticationSources === 0
      ? [
          problem(
            '/authentication/source',
            'DIRECTORY_SOURCE_REQUIRED',
            'No directory source has the function "authentication"; add one first.',
          ),
        ]
      : [],
  warnings: [],
});

const clientSections = ['inbound', 'authentication'] as const;

const clientAuthorityVerdict = (settings: SmtpSettings, { clientAuthorities }: Context): Verdict => ({
  problems:
    verifiesClients(settings) && clientAuthorities === 0
      ? clientSections
          .filter((section) => (settings[section]?.tls?.clientCertificate ?? 'none') !== 'none')
          .map((section) =>
            problem(
              `/${section}/tls/clientCertificate`,
              'CLIENT_CA_REQUIRED',
              'There is no client authority to verify certificates of clients with; add one first.',
            ),
          )
      : [],
  warnings: [],
});

/**
 * What the rest of the world says of settings: the rules of DESIGN 3 that the document alone cannot decide, all of them at once. Asked by
 * every write that saves settings, and by every read that shows them.
 */
export const contextVerdict = (settings: SmtpSettings, context: Context): Verdict => {
  const { lists, interfaces, certificates, before, acknowledged, now } = context;
  return together(
    emptyListVerdict(settings, lists, acknowledged),
    hostVerdict(settings, lists),
    interfaceVerdict(settings, interfaces, before),
    certificateVerdict(settings, certificates, before, now),
    directoryVerdict(settings, context),
    clientAuthorityVerdict(settings, context),
    warningsOnly(tlsWarnings(settings)),
    warningsOnly(sharedListenerWarnings(settings, context.domainEntries)),
    advancedVerdict(context.advanced, { smtp: settings, interfaces, before: context.advancedBefore }),
  );
};
