import { openRelayVerdict } from '../../../shared/domain/access-lists.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import { contextVerdict } from '../../../shared/domain/context.ts';
import { keyed } from '../../../shared/domain/lists/order.ts';
import { settingsProblems } from '../../../shared/domain/settings.ts';
import { AppError, type Problem, type Warning } from '../../../shared/errors.ts';
import { restoreRevision as operation } from '../../../shared/operations/restore-revision.ts';
import { type Call, httpStack, invalid } from '../../lib/http.ts';
import { type Change, type Revision, readRevision, retainedItem } from '../../stores/heads.ts';
import { differenceOf } from '../../stores/lists.ts';
import { readInterfaces } from '../../stores/status.ts';
import { smtpDocumentOf } from '../settings/answer.ts';
import { acknowledgedBy, writeConfiguration } from '../write.ts';

type Restore = Call<typeof operation>;

interface Verdict {
  problems: Problem[];
  warnings: Warning[];
}

/** Networks that the restored outbound list would let in again: as wide a door as when they were added (DESIGN 4). */
const relayVerdict = async (call: Restore, present: Head, wanted: Revision): Promise<Verdict> => {
  const roots = [present, wanted].map((one) => one.configuration.lists.outbound.root);
  const differences = await differenceOf(roots[0] ?? '', roots[1] ?? '');
  const opened = differences.flatMap(({ after }) => (after?.enabled ? [keyed(after)] : []));
  return openRelayVerdict('outbound', opened, acknowledgedBy(call));
};

/** The configuration of an earlier revision, judged by the rules of today. */
const restored = async (call: Restore, present: Head, wanted: Revision): Promise<Change<Warning[]>> => {
  const { configuration } = wanted;
  const { smtp, lists } = configuration;
  const interfaces = await readInterfaces(present.scannerId);
  const before = present.configuration.smtp;
  const context = { lists, interfaces, before, acknowledged: acknowledgedBy(call) };
  const judged = smtp ? contextVerdict(smtp, context) : { problems: [], warnings: [] };
  const relay = await relayVerdict(call, present, wanted);
  const problems = [...settingsProblems(smtp), ...judged.problems, ...relay.problems];
  if (problems.length > 0) throw invalid(problems);
  return {
    configuration,
    transact: () => [retainedItem(wanted.scannerId, wanted.revision, call.now)],
    result: [...judged.warnings, ...relay.warnings],
  };
};

export const restoreRevision = httpStack(operation, async (call) => {
  const wanted = await readRevision(call.params.scannerId, call.params.revision, call.now);
  if (!wanted.configuration.smtp)
    throw new AppError('SMTP_NOT_CONFIGURED', `Revision ${wanted.revision} has no settings to restore.`);
  return writeConfiguration<Warning[]>(call, {
    operation: operation.id,
    part: 'all',
    compute: (present) => restored(call, present, wanted),
    body: smtpDocumentOf,
  });
});
