import { onTestFinished } from 'vitest';
import { ShadowError } from '../../../local/iot/shadow-request.ts';
import { openShadows } from '../../../local/iot/shadows.ts';
import { openState } from '../../../local/state.ts';
import { emptyFolder } from './folder.ts';

/** A shadow as its service has it; `delta` is what is desired but not reported. */
export interface ShadowState {
  state: Record<'desired' | 'reported' | 'delta', Record<string, unknown> | undefined>;
  version: number;
}

/** The embedded shadow service for one thing, without a network. */
export const shadowsOf = (thing: string) => {
  const state = openState(emptyFolder());
  onTestFinished(() => state.close());
  const shadows = openShadows(state, () => new Date(0));
  const unless = <T>(code: number, instead: T, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof ShadowError && error.code === code) return instead;
      throw error;
    }
  };
  return {
    /** null where there is none. */
    get: (shadow: string): ShadowState | null =>
      unless<ShadowState | null>(
        404,
        null,
        () => shadows.get({ thing, shadow }).answer as unknown as ShadowState,
      ),
    /** The new version, or null when it has moved. */
    update: (shadow: string, change: object, version?: number): number | null =>
      unless<number | null>(409, null, () => {
        const payload = Buffer.from(JSON.stringify({ state: change, ...(version && { version }) }));
        return Number(shadows.update({ thing, shadow }, payload).answer['version']);
      }),
  };
};
