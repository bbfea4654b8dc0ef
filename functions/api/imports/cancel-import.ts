import { cancelImport as operation } from '../../../shared/operations/cancel-import.ts';
import { httpStack } from '../../lib/http.ts';
import { cancelJob } from '../../stores/imports.ts';
import { once } from '../write.ts';

export const cancelImport = httpStack(operation, (call) =>
  once(call, async (remember) => {
    const { dryRun } = call.query;
    const asked = { actor: call.actor, operation: operation.id, at: call.now, dryRun };
    const answer = (body: unknown) => ({ status: 202, body });
    return answer(await cancelJob(call.params.importId, asked, remember && ((job) => remember(answer(job)))));
  }),
);
