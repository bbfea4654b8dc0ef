import { openRelayVerdict } from '../../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../../shared/domain/configuration.ts';
import { contextVerdict, together, type Verdict } from '../../../shared/domain/context.ts';
import { keyed } from '../../../shared/domain/lists/order.ts';
import { settingsProblems } from '../../../shared/domain/settings.ts';
import { AppError, type Warning } from '../../../shared/errors.ts';
import { restoreRevision as operation } from '../../../shared/operations/restore-revision.ts';
import { type Call, httpStack, invalid } from '../../lib/http.ts';
import { writeDomainBindings } from '../../stores/domain-bindings.ts';
import { type Change, type Revision, readRevision, retainedItem } from '../../stores/heads.ts';
import { differenceOf } from '../../stores/lists.ts';
import { readWorld } from '../context.ts';
import { smtpDocumentOf } from '../settings/answer.ts';
import { acknowledgedBy, writeConfiguration } from '../write.ts';

type Restore = Call<typeof operation>;

/** Networks that the restored outbound list would let in again: as wide a door as when they were added (DESIGN 4). */
const relayVerdict = async (call: Restore, present: Head, wanted: Configuration): Promise<Verdict> => {
  const roots = [present.configuration, wanted].map(({ lists }) => lists.outbound.root);
  const differences = await differenceOf(roots[0] ?? '', roots[1] ?? '');
  const opened = differences.flatMap(({ after }) => (after?.enabled ? [keyed(after)] : []));
  return openRelayVerdict('outbound', opened, acknowledgedBy(call));
};

/** The configuration of an earlier revision, judged by the rules of today, with what it needs of the fleet as it is today. */
const restored = async (
  call: Restore,
  present: Head,
  { scannerId, revision, configuration: { smtp, ...rest } }: Revision,
): Promise<Change<Warning[]>> => {
  if (!smtp) throw new AppError('SMTP_NOT_CONFIGURED', `Revision ${revision} has no settings to restore.`);
  const configuration = { ...rest, smtp };
  const asked = { acknowledged: acknowledgedBy(call), now: call.now };
  const { context, artifacts } = await readWorld(present, configuration, asked);
  const { problems, warnings } = together(
    { problems: settingsProblems(smtp), warnings: [] },
    contextVerdict(smtp, context),
    await relayVerdict(call, present, configuration),
  );
  if (problems.length > 0) throw invalid(problems);
  return {
    configuration: { ...configuration, artifacts },
    prepare: () => writeDomainBindings(configuration.advanced),
    transact: () => [retainedItem(scannerId, revision, call.now)],
    result: warnings,
  };
};

export const restoreRevision = httpStack(operation, async (call) => {
  const wanted = await readRevision(call.params.scannerId, call.params.revision, call.now);
  return writeConfiguration<Warning[]>(call, {
    operation: operation.id,
    part: 'all',
    compute: (present) => restored(call, present, wanted),
    body: smtpDocumentOf,
  });
});
