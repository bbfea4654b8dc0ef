import { advancedVerdict, canonicalAdvanced } from '../../../shared/domain/advanced.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import type { Warning } from '../../../shared/errors.ts';
import type { AdvancedSettings } from '../../../shared/schemas/advanced.ts';
import { type Answer, invalid } from '../../lib/http.ts';
import { writeDomainBindings } from '../../stores/domain-bindings.ts';
import { readInterfaces } from '../../stores/status.ts';
import { type WriteCall, writeConfiguration } from '../write.ts';
import { advancedDocumentOf } from './answer.ts';

/** What is to be saved over a head: advanced settings that have passed every rule of their own, and what to warn of. */
export interface WantedAdvanced {
  settings: AdvancedSettings;
  warnings: Warning[];
}

/** Saves advanced settings: judges their bindings by the Scanner's listeners and interfaces, and makes one revision. */
export const saveSmtpAdvanced = (
  call: WriteCall,
  operation: string,
  wantedOver: (present: Head) => WantedAdvanced,
): Promise<Answer> =>
  writeConfiguration<Warning[]>(call, {
    operation,
    part: 'advanced',
    compute: async (present) => {
      const { settings, warnings } = wantedOver(present);
      const { smtp, advanced: before } = present.configuration;
      const advanced = canonicalAdvanced(settings);
      const interfaces = await readInterfaces(present.scannerId);
      const verdict = advancedVerdict(advanced, { smtp, interfaces, before });
      if (verdict.problems.length > 0) throw invalid(verdict.problems);
      return {
        configuration: { ...present.configuration, advanced },
        prepare: () => writeDomainBindings(advanced),
        result: [...verdict.warnings, ...warnings],
      };
    },
    body: advancedDocumentOf,
  });
