import type { Head } from '../../../shared/domain/configuration.ts';
import { patchedSettings, readOnlyWarnings, settingsProblems } from '../../../shared/domain/settings.ts';
import { patchSmtp as operation } from '../../../shared/operations/patch-smtp.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { type Call, httpStack } from '../../lib/http.ts';
import { parsedWith } from './parsed.ts';
import { saveSmtp, type Wanted } from './save-smtp.ts';

type Patch = Call<typeof operation>['body'];

const patchedOver = (present: Head, patch: Patch): Wanted => {
  const document = patchedSettings(present.configuration.smtp, patch);
  return {
    settings: parsedWith(smtpSettings, { document, patch }, settingsProblems(document)),
    warnings: readOnlyWarnings(patch, { ...present, lists: present.configuration.lists }),
  };
};

export const patchSmtp = httpStack(operation, (call) =>
  saveSmtp(call, operation.id, (present) => patchedOver(present, call.body)),
);
