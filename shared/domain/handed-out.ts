import { prefixes } from '../tables.ts';
import { ownArtifacts } from './artifacts.ts';
import type { Head } from './configuration.ts';
import type { Hash } from './lists/chunks.ts';

const placed = (digests: Record<string, string>, prefix: string): [string, string][] =>
  Object.values(digests).map((digest) => [digest, `${prefix}${digest}`]);

/**
 * Keys of the objects that a Scanner may have as artifacts, by their digests: those that its head names, and only under the head's own
 * revision. Secrets are not for a Scanner that once had them (DESIGN 5).
 */
export const artifactsHandedOut = (head: Head, revision: number, hash: Hash): Map<string, string> => {
  if (revision !== head.revision) return new Map();
  const { advanced, artifacts } = head.configuration;
  return new Map([
    ...placed(ownArtifacts(advanced, hash), prefixes.artifacts),
    ...placed(artifacts, prefixes.secrets),
  ]);
};
