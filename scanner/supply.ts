import type { Desired } from '../shared/domain/desired.ts';
import type { ListName } from '../shared/schemas/lists.ts';
import { artifactSupply } from './artifact-supply.ts';
import type { ArtifactTools } from './artifacts.ts';
import { listSupply } from './list-supply.ts';
import type { Changed } from './plan.ts';
import type { Contents } from './sink.ts';

/** Makes everything available that a configuration names and its documents do not hold. */
export interface Supply {
  /**
   * Fetches what is lacking of what changed, and gives all of it; the rest is as applied.
   * @throws ConfigurationRefused for what can never be used; other errors may pass with time.
   */
  contents(desired: Desired, changed: Changed, signal: AbortSignal): Promise<Contents>;
  /** Forgets objects that none of these configurations names. */
  keepOnly(configurations: readonly Desired[]): Promise<void>;
}

const allOf = <K extends string, T>(names: K[], got: ReadonlyMap<K, T>): Map<K, T | 'as-applied'> =>
  new Map(names.map((name) => [name, got.get(name) ?? 'as-applied']));

export const supplyWith = (tools: ArtifactTools, log: (line: string) => void): Supply => {
  const lists = listSupply(tools, log);
  const artifacts = artifactSupply(tools, log);
  return {
    async contents({ smtp }, changed, signal) {
      const listed = await lists.contents(smtp, changed.lists, signal);
      const texts = await artifacts.contents(smtp, changed.artifacts, signal);
      return {
        lists: allOf(Object.keys(smtp.lists) as ListName[], listed),
        artifacts: allOf(Object.keys(smtp.artifacts ?? {}), texts),
      };
    },
    async keepOnly(configurations) {
      const keep = new Set<string>();
      for (const { smtp } of configurations) {
        for (const hash of await lists.objectsOf(smtp)) keep.add(hash);
        for (const digest of Object.values(smtp.artifacts ?? {})) keep.add(digest);
      }
      await tools.cache.prune(keep);
    },
  };
};
