import type { Head } from '../../../shared/domain/configuration.ts';
import { patchedSettings, readOnlyWarnings, settingsProblems } from '../../../shared/domain/settings.ts';
import { problemsOf } from '../../../shared/domain/validation.ts';
import { patchSmtp as operation } from '../../../shared/operations/patch-smtp.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { type Call, httpStack, invalid } from '../../lib/http.ts';
import { saveSmtp, type Wanted } from './save-smtp.ts';

type Patch = Call<typeof operation>['body'];

/** The patched document, judged as a PUT of it would be: all of its problems at once. */
const patchedOver = (present: Head, patch: Patch): Wanted => {
  const document = patchedSettings(present.configuration.smtp, patch);
  const parsed = smtpSettings.safeParse(document);
  const shape = parsed.success ? [] : problemsOf(parsed.error, document);
  const known = new Set(shape.map((problem) => problem.pointer));
  const rules = settingsProblems(document).filter((problem) => !known.has(problem.pointer));
  if (!parsed.success || rules.length > 0) throw invalid([...shape, ...rules]);
  const warnings = readOnlyWarnings(patch, { ...present, lists: present.configuration.lists });
  return { settings: parsed.data, warnings };
};

export const patchSmtp = httpStack(operation, (call) =>
  saveSmtp(call, operation.id, (present) => patchedOver(present, call.body)),
);
