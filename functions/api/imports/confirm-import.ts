import { confirmImport as operation } from '../../../shared/operations/confirm-import.ts';
import { httpStack } from '../../lib/http.ts';
import { confirmJob } from '../../stores/imports.ts';
import { once } from '../write.ts';

export const confirmImport = httpStack(operation, (call) =>
  once(call, async (remember) => {
    const { dryRun } = call.query;
    const asked = { actor: call.actor, operation: operation.id, at: call.now, dryRun };
    const answer = (body: unknown) => ({ status: 202, body });
    return answer(
      await confirmJob(call.params.importId, asked, remember && ((job) => remember(answer(job)))),
    );
  }),
);
