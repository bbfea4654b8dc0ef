import type { Head } from '../../../shared/domain/configuration.ts';
import { contextVerdict } from '../../../shared/domain/context.ts';
import { canonicalSettings, sectionsGone } from '../../../shared/domain/settings.ts';
import type { Warning } from '../../../shared/errors.ts';
import type { SmtpSettings } from '../../../shared/schemas/smtp.ts';
import { readWorld } from '../../common/world.ts';
import { type Answer, invalid } from '../../lib/http.ts';
import { acknowledgedBy, type WriteCall, writeConfiguration } from '../write.ts';
import { smtpDocumentOf } from './answer.ts';

/** What is to be saved over a head: settings that have passed every rule of their own, and what to warn of. */
export interface Wanted {
  settings: SmtpSettings;
  warnings: Warning[];
}

/** Saves settings: judges what only the rest of the configuration decides, and makes one revision of it all. */
export const saveSmtp = (
  call: WriteCall,
  operation: string,
  wantedOver: (present: Head) => Wanted,
): Promise<Answer> =>
  writeConfiguration<Warning[]>(call, {
    operation,
    part: 'smtp',
    compute: async (present) => {
      const { settings, warnings } = wantedOver(present);
      const smtp = canonicalSettings(settings);
      const wanted = { ...present.configuration, smtp };
      const asked = { acknowledged: acknowledgedBy(call), now: call.now };
      const { context, artifacts } = await readWorld(present, wanted, asked);
      const verdict = contextVerdict(smtp, context);
      if (verdict.problems.length > 0) throw invalid(verdict.problems);
      const { revision, configuration } = present;
      const gone = sectionsGone({ smtp: configuration.smtp, revision }, smtp);
      return {
        configuration: { ...wanted, artifacts },
        result: [...verdict.warnings, ...gone, ...warnings],
      };
    },
    body: smtpDocumentOf,
  });
