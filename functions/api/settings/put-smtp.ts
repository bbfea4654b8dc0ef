import {
  acknowledgedBy,
  canonicalSettings,
  emptyListVerdict,
  readOnlyWarnings,
  settingsOnly,
  settingsProblems,
} from '../../../shared/domain/settings.ts';
import { putSmtp as operation } from '../../../shared/operations/put-smtp.ts';
import { httpStack, invalid } from '../../lib/http.ts';
import { changeConfiguration } from '../../stores/heads.ts';
import { etagOf, smtpDocumentOf } from './answer.ts';

export const putSmtp = httpStack(
  operation,
  async ({ params, query, body, ifMatch, actor, now }) => {
    const smtp = canonicalSettings(settingsOnly(body));
    const { head, result } = await changeConfiguration({
      scannerId: params.scannerId,
      part: 'smtp',
      operation: operation.id,
      actor,
      at: now,
      ifMatch,
      compute: async (present) => {
        const { problems, warnings } = emptyListVerdict(
          smtp,
          present.configuration.lists,
          acknowledgedBy(query.acknowledge),
        );
        if (problems.length > 0) throw invalid(problems);
        const ignored = readOnlyWarnings(body, { ...present, lists: present.configuration.lists });
        return { configuration: { ...present.configuration, smtp }, result: [...warnings, ...ignored] };
      },
    });
    return { status: 200, body: smtpDocumentOf(head, result), headers: etagOf(head) };
  },
  settingsProblems,
);
