import type { Problem, Warning } from '../errors.ts';
import type { InventoryReported } from '../messages/shadow.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import type { Configuration } from './configuration.ts';
import { hostVerdict } from './hosts.ts';
import { interfaceVerdict } from './interfaces.ts';
import { emptyListVerdict } from './settings.ts';

/** What settings are judged against, besides themselves. */
export interface Context {
  lists: Configuration['lists'];
  /** As the Scanner reported them; null before it has. */
  interfaces: InventoryReported['interfaces'] | null;
  /** The settings that these replace: what a write does not change, it is not refused for. */
  before: SmtpSettings | null;
  acknowledged: readonly Acknowledgement[];
}

/**
 * What the rest of the world says of settings: the rules of DESIGN 3 that the document alone cannot decide, all of them at once. Asked by
 * every write that saves settings, and by every read that shows them.
 */
export const contextVerdict = (
  settings: SmtpSettings,
  { lists, interfaces, before, acknowledged }: Context,
): { problems: Problem[]; warnings: Warning[] } => {
  const verdicts = [
    emptyListVerdict(settings, lists, acknowledged),
    hostVerdict(settings, lists),
    interfaceVerdict(settings, interfaces, before),
  ];
  return {
    problems: verdicts.flatMap((verdict) => verdict.problems),
    warnings: verdicts.flatMap((verdict) => verdict.warnings),
  };
};
