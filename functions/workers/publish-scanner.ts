import { desiredOf } from '../../shared/domain/desired.ts';
import { shadowDifference } from '../../shared/domain/shadow-difference.ts';
import { AppError } from '../../shared/errors.ts';
import { smtpShadow } from '../../shared/messages/shadow.ts';
import { getShadow, updateShadow } from '../stores/shadows.ts';
import { putPublished, readState, type ScannerState } from '../stores/status.ts';

/** A shadow that a Scanner writes to at the same time moves under us; more tries than it has writes for one apply. */
const attempts = 10;

type Step = 'again' | 'nothing' | { revision: number; shadowVersion: number };

const mayPublish = (state: ScannerState): boolean => state.scanner.enabled && desiredOf(state.head) !== null;

/** Brings the shadow from what was read to the head; null when it has moved meanwhile. */
const bring = async (
  scannerId: string,
  present: Record<string, unknown>,
  version: number,
  wanted: object,
) => {
  const difference = shadowDifference(present, wanted as Record<string, unknown>);
  if (!difference) return version;
  return updateShadow(scannerId, smtpShadow, { desired: difference }, version);
};

/**
 * One round: the shadow is read first and the head after it, so what is sent is at least as new as the shadow that it replaces;
 * the shadow's version makes the update fail where another publisher was faster.
 */
const publishOnce = async (scannerId: string): Promise<Step> => {
  const shadow = await getShadow(scannerId, smtpShadow);
  const state = await readState(scannerId);
  const desired = desiredOf(state.head);
  if (!desired || !mayPublish(state)) return 'nothing';
  if (!shadow) {
    await updateShadow(scannerId, smtpShadow, {});
    return 'again';
  }
  const version = await bring(scannerId, shadow.state.desired ?? {}, shadow.version, desired);
  return version === null ? 'again' : { revision: desired.revision, shadowVersion: version };
};

/** Brings the shadow of a Scanner to its head, whatever woke us and however often (DESIGN 5). */
export const publishScanner = async (scannerId: string, now: Date): Promise<void> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const step = await publishOnce(scannerId);
    if (step === 'nothing') return;
    if (step !== 'again') {
      await putPublished(scannerId, { ...step, at: now.toISOString() });
      return;
    }
  }
  throw new AppError('THROTTLED', `The shadow of ${scannerId} moves faster than it can be written.`);
};
