import type { Problem, Warning } from '../errors.ts';
import type { Acknowledgement } from '../schemas/common.ts';
import type { SmtpSettings } from '../schemas/smtp.ts';
import type { Configuration } from './configuration.ts';
import { hostVerdict } from './hosts.ts';
import { emptyListVerdict } from './settings.ts';

/**
 * What the rest of a configuration says of settings: the rules of DESIGN 3 that the document alone cannot decide, all of them at once.
 * Asked by every write that saves settings, and by every read that shows them.
 */
export const contextVerdict = (
  settings: SmtpSettings,
  lists: Configuration['lists'],
  acknowledged: readonly Acknowledgement[],
): { problems: Problem[]; warnings: Warning[] } => {
  const verdicts = [emptyListVerdict(settings, lists, acknowledged), hostVerdict(settings, lists)];
  return {
    problems: verdicts.flatMap((verdict) => verdict.problems),
    warnings: verdicts.flatMap((verdict) => verdict.warnings),
  };
};
