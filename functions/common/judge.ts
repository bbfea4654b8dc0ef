import { relayVerdict } from '../../shared/domain/access-lists.ts';
import type { Configuration, Head } from '../../shared/domain/configuration.ts';
import { contextVerdict } from '../../shared/domain/context.ts';
import type { StoredRollout } from '../../shared/domain/rollout.ts';
import { mergedConfiguration } from '../../shared/domain/rollout-merge.ts';
import { settingsProblems } from '../../shared/domain/settings.ts';
import type { Problem } from '../../shared/errors.ts';
import type { Acknowledgement } from '../../shared/schemas/common.ts';
import type { SmtpSettings } from '../../shared/schemas/smtp.ts';
import { openedBy } from '../stores/lists.ts';
import { readWorld } from './world.ts';

/** A configuration that a Scanner may have, with what it needs of the fleet as it is today; or all that keeps it from having it. */
export type Judged = { problems: Problem[] } | { problems?: never; configuration: Configuration };

interface Asked {
  acknowledged: readonly Acknowledgement[];
  now: Date;
}

/** Networks that the outbound list would let in which it does not now: as wide a door as when they are added (DESIGN 4). */
const doorsOf = async (present: Head, wanted: Configuration, { acknowledged }: Asked): Promise<Problem[]> => {
  const opened = await openedBy(present.configuration.lists.outbound.root, wanted.lists.outbound.root);
  const pointers = new Map(opened.map(({ value }) => [value, '/lists/outbound']));
  return relayVerdict('outbound', opened, pointers, acknowledged).problems;
};

/** Judges a configuration that a Scanner is to have instead of its present one, by the rules of today: as a save and a restore are. */
export const judge = async (
  present: Head,
  wanted: Configuration & { smtp: SmtpSettings },
  asked: Asked,
): Promise<Judged> => {
  const { context, artifacts } = await readWorld(present, wanted, asked);
  const problems = [
    ...settingsProblems(wanted.smtp),
    ...contextVerdict(wanted.smtp, context).problems,
    ...(await doorsOf(present, wanted, asked)),
  ];
  return problems.length > 0 ? { problems } : { configuration: { ...wanted, artifacts } };
};

/** What a target would have, judged. */
export const judgeTarget = async (rollout: StoredRollout, present: Head, now: Date): Promise<Judged> => {
  const merged = mergedConfiguration(rollout.copied, present.configuration, rollout.sections);
  if (!('configuration' in merged)) return merged;
  return judge(present, merged.configuration, { acknowledged: rollout.acknowledge, now });
};

/** Most problems that a target tells of. */
const mostProblems = 20;

/** What a target says that cannot have its configuration. */
export const unfit = (problems: readonly Problem[]) => ({
  reason: `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}; see errors.`,
  errors: problems.slice(0, mostProblems),
});
