import type { ReportStatus, SmtpDesired } from '../shared/messages/shadow.ts';
import { smtpShadow } from '../shared/messages/shadow.ts';
import { type ListName, listNames } from '../shared/schemas/lists.ts';
import type { Conversation } from './conversation.ts';
import type { Refusal } from './desired.ts';
import type { ListSupply } from './list-supply.ts';
import { nextStep, type Step } from './plan.ts';
import { reportChange, reportedOf } from './report.ts';
import { ConfigurationRefused, type ListContent, type Sink } from './sink.ts';

/** What a Scanner carries from one look at its shadow to the next. */
export interface Memory {
  applied: SmtpDesired | null;
  previous: SmtpDesired | null;
  refused: { revision: number; refusal: Refusal } | null;
  /** The revision that was last looked at, so that a delta can be told from an echo. */
  atHand: number | null;
}

export interface Reconciling {
  conversation: Pick<Conversation, 'shadow' | 'report'>;
  lists: ListSupply;
  sink: Sink;
  memory: Memory;
  now: () => Date;
  log: (line: string) => void;
  /** Aborted when the work has no more sense: the connection is gone, or the Scanner stops. */
  signal: AbortSignal;
  /** True once newer news has come. */
  overtaken: () => boolean;
}

/** `again`: it failed in a way that may pass with time. */
export type Outcome = 'settled' | 'again';

type Say = (status: Omit<ReportStatus, 'at'>) => Promise<void>;

/** Reports what is applied and the status, as the least change to what the shadow holds; a shadow that says it already is left alone. */
const speaker = ({ conversation, memory, now }: Reconciling, reported: Record<string, unknown>): Say => {
  let held = reported;
  return async (status) => {
    const wanted = reportedOf(memory.applied, { ...status, at: now().toISOString() });
    const change = reportChange(held, wanted);
    if (!change) return;
    await conversation.report(smtpShadow, change);
    held = { ...wanted };
  };
};

type Apply = Extract<Step, { do: 'apply' }>;

const contentsOf = async (
  { lists, signal }: Reconciling,
  { desired, changed }: Apply,
): Promise<Map<ListName, ListContent>> => {
  const contents = new Map<ListName, ListContent>(await lists.contents(desired, changed, signal));
  for (const name of listNames)
    if (desired.lists[name] && !contents.has(name)) contents.set(name, 'as-applied');
  return contents;
};

const summary = ({ lists }: SmtpDesired): string =>
  Object.entries(lists)
    .map(([name, list]) => `${name} ${list?.entries ?? 0}`)
    .join(', ');

const putInForce = async (work: Reconciling, step: Apply): Promise<void> => {
  const { sink, memory, signal, log } = work;
  const contents = await contentsOf(work, step);
  signal.throwIfAborted();
  await sink.apply(step.desired, contents);
  memory.previous = memory.applied;
  memory.applied = step.desired;
  log(`applied revision ${step.desired.revision} (entries: ${summary(step.desired) || 'no lists'})`);
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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

const apply = async (work: Reconciling, step: Apply, say: Say, announce: boolean): Promise<Outcome> => {
  const { memory, lists, log } = work;
  const { revision } = step.desired;
  // The work does not wait for this report, but the next report does, so that the two cannot change places.
  const announced = announce ? say({ revision, code: 'applying' }).catch(() => undefined) : undefined;
  try {
    await putInForce(work, step);
  } catch (error) {
    await announced;
    return afterFailure(work, revision, error, say);
  }
  await announced;
  await say({ revision, code: 'applied' });
  const inUse = [memory.applied, memory.previous].filter((one) => one !== null);
  await lists.keepOnly(inUse).catch((error: unknown) => log(`the cache was not tidied: ${messageOf(error)}`));
  return 'settled';
};

/** True when the shadow says that this revision failed: another try changes that only by its outcome. */
const saidFailed = (reported: Record<string, unknown>, revision: number): boolean => {
  const status = reported['status'] as Partial<ReportStatus> | undefined;
  return status?.code === 'failed' && status.revision === revision;
};

/**
 * One pass: looks at the shadow as it is now and works towards its desired state; never a mixture of two revisions. What it throws
 * came of the conversation, and may pass with time.
 */
export const reconcile = async (work: Reconciling): Promise<Outcome> => {
  const { conversation, memory } = work;
  const { desired: document, reported = {} } = (await conversation.shadow()) ?? {};
  const step = nextStep({ document, applied: memory.applied, refused: memory.refused });
  const say = speaker(work, reported);
  memory.atHand = step.do === 'apply' || step.do === 'keep' ? step.desired.revision : null;
  if (step.do === 'refuse') {
    memory.atHand = step.revision;
    return refuse(work, step, say);
  }
  if (step.do === 'apply') return apply(work, step, say, !saidFailed(reported, step.desired.revision));
  if (memory.applied) await say({ revision: memory.applied.revision, code: 'applied' });
  return 'settled';
};
