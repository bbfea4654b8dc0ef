import { readOnlyWarnings, settingsOnly, settingsProblems } from '../../../shared/domain/settings.ts';
import { putSmtp as operation } from '../../../shared/operations/put-smtp.ts';
import { httpStack } from '../../lib/http.ts';
import { saveSmtp } from './save-smtp.ts';

export const putSmtp = httpStack(
  operation,
  (call) =>
    saveSmtp(call, operation.id, (present) => ({
      settings: settingsOnly(call.body),
      warnings: readOnlyWarnings(call.body, { ...present, lists: present.configuration.lists }),
    })),
  settingsProblems,
);
