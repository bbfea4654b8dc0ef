import { advancedProblems, patchedAdvanced } from '../../../shared/domain/advanced.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { readOnlyWarnings } from '../../../shared/domain/settings.ts';
import { patchSmtpAdvanced as operation } from '../../../shared/operations/patch-smtp-advanced.ts';
import { advancedReadOnly, advancedSettings, defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import { type Call, httpStack } from '../../lib/http.ts';
import { parsedWith } from './parsed.ts';
import { saveSmtpAdvanced, type WantedAdvanced } from './save-smtp-advanced.ts';

type Patch = Call<typeof operation>['body'];

const patchedOver = (present: Head, patch: Patch): WantedAdvanced => {
  const document = patchedAdvanced(present.configuration.advanced, patch);
  return {
    settings: parsedWith(
      advancedSettings,
      { document, patch },
      advancedProblems(document, defaultAdvanced()),
    ),
    warnings: readOnlyWarnings(patch, { ...present }, advancedReadOnly),
  };
};

export const patchSmtpAdvanced = httpStack(operation, (call) =>
  saveSmtpAdvanced(call, operation.id, (present) => patchedOver(present, call.body)),
);
