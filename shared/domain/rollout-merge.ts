import type { Problem } from '../errors.ts';
import { advancedSettings } from '../schemas/advanced.ts';
import type { RolloutSection } from '../schemas/rollouts.ts';
import { type SmtpSettings, smtpSettings } from '../schemas/smtp.ts';
import { advancedProblems, canonicalAdvanced } from './advanced.ts';
import type { Configuration } from './configuration.ts';
import { appliedTo } from './host-specific.ts';
import type { Copied } from './rollout.ts';
import { modeOf, problem, type Section, sections, shown } from './sections.ts';
import { canonicalSettings, settingsProblems } from './settings.ts';
import { problemsOf } from './validation.ts';

/** What a target would have, or what keeps it from having it. */
export type Merged =
  | { problems: Problem[] }
  | { problems: []; configuration: Configuration & { smtp: SmtpSettings } };

type Document = { [member in 'mailFiltering' | Section]?: unknown };

/** The settings of a target with some sections replaced; of the others those that its mode hides are gone, as when a patch changes the mode. */
const replaced = (copied: SmtpSettings, target: SmtpSettings | null, wanted: Set<string>): Document => {
  const members = ['mailFiltering', ...sections] as const;
  const document: Document = {};
  for (const member of members) {
    const value = (wanted.has(member) ? copied : target)?.[member];
    if (value !== undefined) document[member] = value;
  }
  const mode = wanted.has('mailFiltering') ? modeOf(document) : undefined;
  if (mode)
    for (const section of sections)
      if (!shown[mode].includes(section) && !wanted.has(section)) delete document[section];
  return document;
};

const isOfSettings = (section: RolloutSection): boolean =>
  section === 'mailFiltering' || (sections as readonly string[]).includes(section);

/** True when a rollout of these sections needs settings at its source. */
export const needsSettings = (wanted: readonly RolloutSection[]): boolean => wanted.some(isOfSettings);

const settingsOf = (
  copied: Copied,
  target: SmtpSettings | null,
  wanted: readonly RolloutSection[],
): { settings: SmtpSettings } | { problems: Problem[] } => {
  if (!copied.smtp || !needsSettings(wanted))
    return target
      ? { settings: target }
      : { problems: [problem('', 'SMTP_NOT_CONFIGURED', 'This Scanner has no SMTP settings yet.')] };
  const document = appliedTo(smtpSettings, replaced(copied.smtp, target, new Set(wanted)), target ?? {});
  const parsed = smtpSettings.safeParse(document);
  const problems = parsed.success ? [] : problemsOf(parsed.error, document);
  const known = new Set(problems.map(({ pointer }) => pointer));
  problems.push(...settingsProblems(document).filter(({ pointer }) => !known.has(pointer)));
  return parsed.success && problems.length === 0
    ? { settings: canonicalSettings(parsed.data) }
    : { problems };
};

/** The source's advanced settings on the target, whose bindings stay its own. */
const advancedOf = (copied: Copied, target: Configuration, wanted: readonly RolloutSection[]) =>
  wanted.includes('advanced')
    ? advancedSettings.parse(appliedTo(advancedSettings, copied.advanced, target.advanced))
    : target.advanced;

/**
 * The configuration that a target would have: of the source the sections that are asked for, except what belongs to one host alone; the rest
 * is the target's own. Judged by the rules that the documents alone decide, as when they are saved.
 */
export const mergedConfiguration = (
  copied: Copied,
  target: Configuration,
  wanted: readonly RolloutSection[],
): Merged => {
  const settled = settingsOf(copied, target.smtp, wanted);
  const advanced = advancedOf(copied, target, wanted);
  const ofAdvanced = wanted.includes('advanced')
    ? advancedProblems(advanced, target.advanced).map((one) => ({
        ...one,
        pointer: `/advanced${one.pointer}`,
      }))
    : [];
  if ('problems' in settled || ofAdvanced.length > 0)
    return { problems: [...('problems' in settled ? settled.problems : []), ...ofAdvanced] };
  const lists = { ...target.lists };
  for (const section of wanted)
    if (section.startsWith('lists.')) {
      const name = section.slice('lists.'.length) as keyof typeof lists;
      lists[name] = copied.lists[name];
    }
  return {
    problems: [],
    configuration: {
      ...target,
      smtp: settled.settings,
      lists,
      advanced: wanted.includes('advanced') ? canonicalAdvanced(advanced) : advanced,
    },
  };
};
