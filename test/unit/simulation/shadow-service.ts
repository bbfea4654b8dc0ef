import type { JsonObject } from '../../../local/iot/json.ts';
import { applyPatch, deltaOf, emptyContent, type ShadowContent } from '../../../local/iot/shadow-document.ts';
import { ShadowError } from '../../../local/iot/shadow-request.ts';

/** The embedded shadow engine over a map: what an update gives, and who is told. */
export interface ShadowService {
  /** How often a thing's shadows have changed. */
  changes(thing: string): number;
  /** What it answers is not to be changed: it is the shadow itself. */
  get(thing: string, name: string): { state: ShadowContent['state']; version: number } | null;
  /** The new version and what then differs, or null for a conflict of versions. @throws ShadowError 413 */
  update(
    thing: string,
    name: string,
    state: Partial<Record<'desired' | 'reported', object>>,
    version?: number,
  ): { version: number; delta: JsonObject | undefined } | null;
  /** Versions go on where a shadow comes back within two days. */
  delete(thing: string, name: string): void;
  names(thing: string): string[];
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export const shadowService = (): ShadowService => {
  const shadows = new Map<string, { content: ShadowContent | null; version: number }>();
  const changes = new Map<string, number>();
  const changed = (thing: string) => changes.set(thing, (changes.get(thing) ?? 0) + 1);
  return {
    changes: (thing) => changes.get(thing) ?? 0,
    get(thing, name) {
      const shadow = shadows.get(`${thing} ${name}`);
      return shadow?.content ? { state: shadow.content.state, version: shadow.version } : null;
    },
    update(thing, name, state, version) {
      const key = `${thing} ${name}`;
      const shadow = shadows.get(key) ?? { content: null, version: 0 };
      if (version !== undefined && version !== shadow.version) return null;
      const next = {
        content: applyPatch(shadow.content ?? emptyContent, copy(state) as never, 0),
        version: shadow.version + 1,
      };
      shadows.set(key, next);
      changed(thing);
      return { version: next.version, delta: deltaOf(next.content)?.state };
    },
    delete(thing, name) {
      const shadow = shadows.get(`${thing} ${name}`);
      if (!shadow?.content) return;
      shadows.set(`${thing} ${name}`, { content: null, version: shadow.version + 1 });
      changed(thing);
    },
    names: (thing) =>
      [...shadows]
        .filter(([key, { content }]) => content !== null && key.startsWith(`${thing} `))
        .map(([key]) => key.slice(thing.length + 1)),
  };
};

export { ShadowError };
