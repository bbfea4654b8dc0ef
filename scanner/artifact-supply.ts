import { domainBindingsArtifact } from '../shared/domain/artifacts.ts';
import { isObject } from '../shared/domain/sections.ts';
import type { SmtpDesired } from '../shared/messages/shadow.ts';
import { advancedSettings } from '../shared/schemas/advanced.ts';
import { type ArtifactTools, fetchLacking } from './artifacts.ts';
import { inParallel } from './in-parallel.ts';
import { parsedJson } from './parsed-json.ts';
import { type ArtifactContent, ConfigurationRefused } from './sink.ts';

/** Artifacts fetched at a time. */
const width = 2;

/** Of the others it is the sink that knows what is in them. */
const isUsable = (name: string, content: unknown): boolean =>
  name === domainBindingsArtifact
    ? advancedSettings.safeParse({ bindings: { domains: content } }).success
    : isObject(content) || Array.isArray(content);

/** A text whose hash is right can still be none that this Scanner can use; no other text can ever have that hash. */
const assertUsable = (name: string, text: string): void => {
  if (isUsable(name, parsedJson(text))) return;
  throw new ConfigurationRefused({
    pointer: `/artifacts/${name}`,
    message: `What the artifact "${name}" holds cannot be used by this Scanner.`,
  });
};

/** Makes the artifacts of a configuration available. What they hold may be secret: it shows in no log and in no message. */
export interface ArtifactSupply {
  /**
   * Fetches what the named artifacts lack, and gives their texts, verified.
   * @throws ConfigurationRefused for one that cannot be used; other errors may pass with time.
   */
  contents(
    desired: SmtpDesired,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, ArtifactContent>>;
}

export const artifactSupply = (tools: ArtifactTools, log: (line: string) => void): ArtifactSupply => ({
  async contents({ revision, artifacts = {} }, names, signal) {
    const textOf = async (name: string): Promise<[string, ArtifactContent]> => {
      const root = artifacts[name];
      if (root === undefined) throw new TypeError(`There is no artifact ${name} to get.`);
      const fetched = await fetchLacking(tools, { revision, root }, [root], signal);
      if (fetched > 0) log(`revision ${revision}: fetched the artifact ${name}`);
      const text = await tools.cache.read(root);
      assertUsable(name, text);
      return [name, { text }];
    };
    return new Map(await inParallel(names, width, textOf));
  },
});
