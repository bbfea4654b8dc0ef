import { relayVerdict } from '../../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../../shared/domain/configuration.ts';
import { contextVerdict, together, type Verdict } from '../../../shared/domain/context.ts';
import { settingsProblems } from '../../../shared/domain/settings.ts';
import { AppError, type Warning } from '../../../shared/errors.ts';
import { restoreRevision as operation } from '../../../shared/operations/restore-revision.ts';
import { readWorld } from '../../common/world.ts';
import { type Call, httpStack, invalid } from '../../lib/http.ts';
import { writeDomainBindings } from '../../stores/domain-bindings.ts';
import { type Change, type Revision, readRevision, retainedItems } from '../../stores/heads.ts';
import { openedBy } from '../../stores/lists.ts';
import { smtpDocumentOf } from '../settings/answer.ts';
import { acknowledgedBy, writeConfiguration } from '../write.ts';

type Restore = Call<typeof operation>;

/** Networks that the restored outbound list would let in again: as wide a door as when they were added (DESIGN 4). */
const doorsOf = async (call: Restore, present: Head, wanted: Configuration): Promise<Verdict> => {
  const opened = await openedBy(present.configuration.lists.outbound.root, wanted.lists.outbound.root);
  return relayVerdict('outbound', opened, new Map(), acknowledgedBy(call));
};

/** The configuration of an earlier revision, judged by the rules of today, with what it needs of the fleet as it is today. */
const restored = async (
  call: Restore,
  present: Head,
  { revision, configuration: { smtp, ...rest } }: Revision,
): Promise<Change<Warning[]>> => {
  if (!smtp) throw new AppError('SMTP_NOT_CONFIGURED', `Revision ${revision} has no settings to restore.`);
  const configuration = { ...rest, smtp };
  const asked = { acknowledged: acknowledgedBy(call), now: call.now };
  const { context, artifacts } = await readWorld(present, configuration, asked);
  const { problems, warnings } = together(
    { problems: settingsProblems(smtp), warnings: [] },
    contextVerdict(smtp, context),
    await doorsOf(call, present, configuration),
  );
  if (problems.length > 0) throw invalid(problems);
  return {
    configuration: { ...configuration, artifacts },
    prepare: () => writeDomainBindings(configuration.advanced),
    transact: (next) => retainedItems(next, revision, call.now),
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
