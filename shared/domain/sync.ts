import type { ReportStatus } from '../messages/shadow.ts';
import type { Condition, ShownReport, Sync } from '../schemas/sync.ts';
import type { Head } from './configuration.ts';
import { desiredLists } from './desired.ts';
import type { Due } from './due.ts';
import type { StatusItems } from './status.ts';

/** What the sync status is computed from; all of it was stored by someone who saw it. */
export interface SyncFacts extends StatusItems {
  head: Head;
  scanner: { enabled: boolean; createdAt: string; decommissionedAt?: string };
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

const verdict = (status: Condition['status'], reason: string, message: string): Verdict => ({
  status,
  reason,
  message,
});

const tried = (failures = 0): string =>
  failures === 1 ? '1 try to publish has failed,' : `${failures} tries to publish have failed, the last`;

const failing = ({ failures, lastError, at }: Due): Verdict =>
  verdict(
    'False',
    'PublishFailing',
    `${tried(failures)} with ${lastError?.code}: ${lastError?.message} The next is at ${at}.`,
  );

const isGone = ({ scanner }: SyncFacts): boolean => scanner.decommissionedAt !== undefined;

const gone = (so: string): Verdict =>
  verdict('False', 'Decommissioned', `The Scanner is decommissioned; ${so}.`);

const published = ({ head, scanner, published: seen, due }: SyncFacts): Verdict => {
  if (scanner.decommissionedAt !== undefined) return gone('nothing is published to it');
  if (head.damage !== undefined)
    return verdict(
      'False',
      'HeadDamaged',
      `What is stored of its configuration cannot be read: ${head.damage}.`,
    );
  if (!head.configuration.smtp)
    return verdict('False', 'NotConfigured', 'There are no SMTP settings to publish yet.');
  if (seen?.revision === head.revision)
    return verdict('True', 'Published', `Revision ${head.revision} is in the shadow.`);
  if (!scanner.enabled)
    return verdict(
      'False',
      'Disabled',
      'The Scanner is disabled; it is published to when it is enabled again.',
    );
  if (due?.lastError) return failing(due);
  return verdict('False', 'Pending', `Revision ${head.revision} is on its way to the shadow.`);
};

const rootsMatch = ({ head, report }: SyncFacts): boolean =>
  Object.entries(desiredLists(head)).every(([name, list]) => report?.appliedRoots[name] === list?.root);

const reasons = {
  rejected: ['Rejected', 'The Scanner says that this revision can never work.'],
  failed: ['Failed', 'The Scanner could not apply this revision and tries again.'],
  applying: ['Applying', 'The Scanner is applying this revision.'],
  applied: ['Pending', 'The Scanner has not spoken of this revision yet.'],
} as const;

const unreadable = (why: string, revision: number | null): string =>
  `${why} ${revision === null ? 'It has not said yet what it runs.' : `Before that it said that it runs revision ${revision}.`}`;

const applied = (facts: SyncFacts): Verdict => {
  const { head, report } = facts;
  if (isGone(facts)) return gone('it may run what it had until it is stopped on the host');
  if (!report) return verdict('Unknown', 'NeverReported', 'The Scanner has not reported anything yet.');
  if (report.unreadable) {
    const { message, unknownRevision } = report.unreadable;
    const said = unreadable(message, report.appliedRevision);
    return unknownRevision
      ? verdict('False', 'UnknownRevision', said)
      : verdict('Unknown', 'ReportUnreadable', said);
  }
  if (report.appliedRevision === head.revision)
    return report.differs
      ? verdict('False', 'SettingsDiffer', 'The Scanner reports this revision with other settings.')
      : rootsMatch(facts)
        ? verdict(
            'True',
            'Applied',
            `The Scanner says that it runs revision ${head.revision} with its lists.`,
          )
        : verdict('False', 'RootsDiffer', 'The Scanner reports this revision with other lists.');
  const last = report.lastReport;
  if (last?.revision !== head.revision) return verdict('False', 'Pending', reasons.applied[1]);
  const [reason, message] = reasons[last.code];
  return verdict('False', reason, last.message ?? message);
};

const connected = (facts: SyncFacts): Verdict => {
  const { presence } = facts;
  if (isGone(facts)) return gone('it may not connect');
  if (!presence) return verdict('Unknown', 'NeverConnected', 'The Scanner has never connected.');
  return presence.connected
    ? verdict('True', 'Connected', 'The Scanner is connected.')
    : verdict('False', 'Disconnected', 'The Scanner is not connected.');
};

/** In sync where every part is so; otherwise not, for the first that is not. */
const inSync = ({ head }: SyncFacts, parts: readonly Verdict[]): Verdict => {
  const missing = parts.find((part) => part.status !== 'True');
  return missing
    ? verdict(missing.status, missing.reason, missing.message)
    : verdict('True', 'InSync', `The Scanner runs revision ${head.revision}, the desired one.`);
};

const latest = (...times: (string | null | undefined)[]): string =>
  times
    .filter((time): time is string => typeof time === 'string')
    .sort()
    .at(-1) ?? '';

const publishedSince = ({ head, published: seen }: SyncFacts, holds: boolean): string =>
  (holds ? seen?.at : null) ?? head.updatedAt;

/** What the Scanner reported made it false, or the head that moved since. */
const appliedSince = ({ head, scanner, report }: SyncFacts, holds: boolean): string => {
  if (!report) return scanner.createdAt;
  if (report.unreadable) return report.unreadable.at;
  if (holds) return report.appliedAt ?? head.updatedAt;
  return latest(head.updatedAt, report.differs ? report.differsSince : null);
};

type Verdicts = Record<Condition['type'], Verdict>;

const verdictsOf = (facts: SyncFacts): Verdicts => {
  const [isPublished, isApplied] = [published(facts), applied(facts)];
  return {
    Published: isPublished,
    Applied: isApplied,
    Connected: connected(facts),
    InSync: inSync(facts, [isPublished, isApplied]),
  };
};

/** When each condition last became what it is: true since its fact was stored, false since the head (or the fact) moved. */
const since = (type: Condition['type'], verdicts: Verdicts, facts: SyncFacts): string => {
  const { scanner, report, presence } = facts;
  const holds = (one: Condition['type']) => verdicts[one].status === 'True';
  switch (type) {
    case 'Connected':
      return presence?.at ?? scanner.createdAt;
    case 'Published':
      return publishedSince(facts, holds('Published'));
    case 'Applied':
      return appliedSince(facts, holds('Applied'));
    case 'InSync':
      if (!holds('Published')) return publishedSince(facts, false);
      return holds('Applied') ? latest(report?.appliedAt, facts.published?.at) : appliedSince(facts, false);
  }
};

/** A report as the API answers it. */
export const shownReport = (report: ReportStatus | null): ShownReport | null =>
  report && { ...report, message: report.message ?? null, pointer: report.pointer ?? null };

/** Desired, published and applied revision of a Scanner, and its conditions (DESIGN 5). */
export const syncOf = (facts: SyncFacts): Sync => {
  const { head, report, presence } = facts;
  const observed = {
    Published: facts.published?.revision ?? null,
    Applied: report?.appliedRevision ?? null,
    Connected: null,
    InSync: report?.appliedRevision ?? null,
  };
  const verdicts = verdictsOf(facts);
  const condition = (type: Condition['type']): Condition => ({
    type,
    ...verdicts[type],
    observedRevision: observed[type],
    lastTransitionTime: since(type, verdicts, facts),
  });
  const last = report?.lastReport;
  return {
    desiredRevision: head.revision,
    publishedRevision: facts.published?.revision ?? null,
    appliedRevision: report?.appliedRevision ?? null,
    connected: presence?.connected ?? false,
    conditions: (['Published', 'Applied', 'Connected', 'InSync'] as const).map(condition),
    lastReport: shownReport(last ?? null),
  };
};
