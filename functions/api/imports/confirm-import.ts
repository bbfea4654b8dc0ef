import { assertOfRegistration } from '../../../shared/domain/import-job.ts';
import { confirmImport as operation } from '../../../shared/operations/confirm-import.ts';
import { httpStack } from '../../lib/http.ts';
import { assertInService, readHead } from '../../stores/heads.ts';
import { confirmJob, getJob } from '../../stores/imports.ts';
import { once } from '../write.ts';

/** The file may still go into the list of the Scanner that it was meant for. */
const assertTaken = async (importId: string): Promise<void> => {
  const job = await getJob(importId);
  if (job.state !== 'awaiting-confirmation') return;
  const head = await readHead(job.scannerId);
  assertInService(head);
  assertOfRegistration(job, head);
};

export const confirmImport = httpStack(operation, (call) =>
  once(call, async (remember) => {
    await assertTaken(call.params.importId);
    const { dryRun } = call.query;
    const asked = { actor: call.actor, operation: operation.id, at: call.now, dryRun };
    const answer = (body: unknown) => ({ status: 202, body });
    return answer(
      await confirmJob(call.params.importId, asked, remember && ((job) => remember(answer(job)))),
    );
  }),
);
