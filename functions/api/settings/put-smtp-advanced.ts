import { advancedProblems } from '../../../shared/domain/advanced.ts';
import { readOnlyWarnings } from '../../../shared/domain/settings.ts';
import { putSmtpAdvanced as operation } from '../../../shared/operations/put-smtp-advanced.ts';
import { advancedReadOnly, advancedSettingsOf, defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import { httpStack } from '../../lib/http.ts';
import { saveSmtpAdvanced } from './save-smtp-advanced.ts';

export const putSmtpAdvanced = httpStack(
  operation,
  (call) =>
    saveSmtpAdvanced(call, operation.id, (present) => ({
      settings: advancedSettingsOf(call.body),
      warnings: readOnlyWarnings(call.body, { ...present }, advancedReadOnly),
    })),
  (body) => advancedProblems(body, defaultAdvanced()),
);
