import type { Desired } from '../shared/domain/desired.ts';
import { shadowDifference } from '../shared/domain/shadow-difference.ts';
import type { ErrorCode } from '../shared/errors.ts';
import type { ReportStatus } from '../shared/messages/shadow.ts';
import { advancedShadow, smtpShadow } from '../shared/messages/shadow.ts';
import { type Conversation, RequestRefused, type Shadow } from './conversation.ts';
import { messageOf } from './message-of.ts';
import { nextStep, type Step } from './plan.ts';
import type { Refusal } from './refusal.ts';
import { reportChange, reportedOf } from './report.ts';
import { ConfigurationRefused, type Sink } from './sink.ts';
import type { Supply } from './supply.ts';

/** What a Scanner carries from one look at its shadow to the next. */
export interface Memory {
  applied: Desired | null;
  previous: Desired | null;
  /** What the sink said of how it applied, since this process began. */
  note?: string | undefined;
  refused: { revision: number; refusal: Refusal } | null;
}

export interface Reconciling {
  conversation: Pick<Conversation, 'shadow' | 'report'>;
  supply: Supply;
  sink: Sink;
  memory: Memory;
  now: () => Date;
  log: (line: string) => void;
  /** Aborted when the work has no more sense: the connection is gone, or the Scanner stops. */
  signal: AbortSignal;
  /** True once newer news has come. */
  overtaken: () => boolean;
}

/** `again`: it failed in a way that may pass with time, or what it needs is on its way. */
export type Outcome = 'settled' | 'again';

type Say = (status: Omit<ReportStatus, 'at'>) => Promise<void>;

type Reported = Record<string, unknown>;

/** What a shadow reports, and the version in which it does. */
interface Mirror {
  reported: Reported;
  /** Undefined where there is no shadow yet. */
  version: number | undefined;
}

/**
 * Reports what is applied and the status, as the least change to what the shadows hold; a shadow that says it already is left alone. `smtp`
 * comes last: once it says "applied", nothing is left to say. Each update depends on the version that was seen: where the shadow has moved, it is
 * refused, and the next look knows better (ADR 0019).
 */
const speaker = (
  { conversation, memory, now }: Reconciling,
  held: { smtp: Mirror; advanced: Mirror },
): Say => {
  const mirrors = { ...held };
  const mirrorAdvanced = async (): Promise<void> => {
    const wanted: Reported = { ...memory.applied?.advanced };
    const change = shadowDifference(mirrors.advanced.reported, wanted);
    if (!change) return;
    const version = await conversation.report(advancedShadow, change, mirrors.advanced.version);
    mirrors.advanced = { reported: wanted, version };
  };
  return async (status) => {
    await mirrorAdvanced();
    const wanted = reportedOf(memory.applied?.smtp ?? null, { ...status, at: now().toISOString() });
    const change = reportChange(mirrors.smtp.reported, wanted);
    if (!change) return;
    const version = await conversation.report(smtpShadow, change, mirrors.smtp.version);
    mirrors.smtp = { reported: { ...wanted }, version };
  };
};

type Apply = Extract<Step, { do: 'apply' }>;

const summary = ({ smtp: { lists, artifacts = {} } }: Desired): string => {
  const entries = Object.entries(lists).map(([name, list]) => `${name} ${list?.entries ?? 0}`);
  return [`entries: ${entries.join(', ') || 'no lists'}`, ...Object.keys(artifacts)].join('; ');
};

const putInForce = async (work: Reconciling, { desired, changed }: Apply): Promise<void> => {
  const { supply, sink, memory, signal, log } = work;
  const contents = await supply.contents(desired, changed, signal);
  signal.throwIfAborted();
  memory.note = await sink.apply(desired, contents);
  memory.previous = memory.applied;
  memory.applied = desired;
  const { note } = memory;
  log(`applied revision ${desired.smtp.revision} (${summary(desired)})${note ? `: ${note}` : ''}`);
};

/** True where the control plane has a newer revision, of which nothing was heard yet. */
const isSuperseded = (error: unknown): boolean =>
  error instanceof RequestRefused && error.code === ('ARTIFACT_SUPERSEDED' satisfies ErrorCode);

/** Says why it was not applied; the last good configuration stays in force. */
const afterFailure = async (
  work: Reconciling,
  revision: number,
  error: unknown,
  say: Say,
): Promise<Outcome> => {
  const { memory, log, signal, overtaken } = work;
  if (signal.aborted) return 'again';
  if (error instanceof ConfigurationRefused) {
    memory.refused = { revision, refusal: error.refusal };
    return refuse(work, memory.refused, say);
  }
  if (overtaken()) {
    log(`revision ${revision} given up for a newer one`);
    return 'settled';
  }
  if (isSuperseded(error)) {
    log(`revision ${revision} given up: a newer one is on its way`);
    return 'again';
  }
  log(`revision ${revision} failed: ${messageOf(error)}`);
  await say({ revision, code: 'failed', message: messageOf(error) });
  return 'again';
};

const refuse = async (
  { log }: Reconciling,
  { revision, refusal }: { revision: number; refusal: Refusal },
  say: Say,
): Promise<Outcome> => {
  log(`revision ${revision} rejected at ${refusal.pointer || '/'}: ${refusal.message}`);
  await say({ revision, code: 'rejected', ...refusal });
  return 'settled';
};

const appliedStatus = ({ note }: Memory, revision: number): Omit<ReportStatus, 'at'> => ({
  revision,
  code: 'applied',
  ...(note === undefined ? {} : { message: note }),
});

/** What was said of how it was applied, by this process or by one before it, stays said. */
const stillApplied = (memory: Memory, revision: number, reported: Reported) => {
  const said = reported['status'] as Partial<ReportStatus> | undefined;
  const isSaid = said?.code === 'applied' && said.revision === revision;
  return appliedStatus({ ...memory, note: memory.note ?? (isSaid ? said.message : undefined) }, revision);
};

const apply = async (work: Reconciling, step: Apply, say: Say, announce: boolean): Promise<Outcome> => {
  const { memory, supply, log } = work;
  const { revision } = step.desired.smtp;
  // The work does not wait for this report, but the next report does, so that the two cannot change places.
  const announced = announce ? say({ revision, code: 'applying' }).catch(() => undefined) : undefined;
  try {
    await putInForce(work, step);
  } catch (error) {
    await announced;
    return afterFailure(work, revision, error, say);
  }
  await announced;
  await say(appliedStatus(memory, revision));
  const inUse = [memory.applied, memory.previous].filter((one) => one !== null);
  await supply
    .keepOnly(inUse)
    .catch((error: unknown) => log(`the cache was not tidied: ${messageOf(error)}`));
  return 'settled';
};

/** True when the shadow says that this revision failed: another try changes that only by its outcome. */
const saidFailed = (reported: Record<string, unknown>, revision: number): boolean => {
  const status = reported['status'] as Partial<ReportStatus> | undefined;
  return status?.code === 'failed' && status.revision === revision;
};

const mirrorOf = (shadow: Shadow | null): Mirror => ({
  reported: shadow?.reported ?? {},
  version: shadow?.version,
});

const look = async (conversation: Reconciling['conversation']) => {
  const [advanced, smtp] = await Promise.all([
    conversation.shadow(advancedShadow),
    conversation.shadow(smtpShadow),
  ]);
  return {
    documents: { smtp: smtp?.desired, advanced: advanced?.desired },
    mirrors: { smtp: mirrorOf(smtp), advanced: mirrorOf(advanced) },
  };
};

/**
 * One pass: looks at the shadows as they are now and works towards their desired state; never a mixture of two revisions. What it throws
 * came of the conversation, and may pass with time.
 */
export const reconcile = async (work: Reconciling): Promise<Outcome> => {
  const { conversation, memory, log } = work;
  const { documents, mirrors } = await look(conversation);
  const step = nextStep({ documents, applied: memory.applied, refused: memory.refused });
  const say = speaker(work, mirrors);
  if (step.do === 'refuse') return refuse(work, step, say);
  if (step.do === 'apply')
    return apply(work, step, say, !saidFailed(mirrors.smtp.reported, step.desired.smtp.revision));
  if (step.do === 'wait') {
    log(`revision ${step.revision} waits for its advanced settings`);
    return 'again';
  }
  if (memory.applied) await say(stillApplied(memory, memory.applied.smtp.revision, mirrors.smtp.reported));
  return step.do === 'rest' || step.settled ? 'settled' : 'again';
};
