import {
  type ArtifactRequest,
  type ArtifactsAccepted,
  artifactsPerRequest,
} from '../shared/messages/artifacts.ts';
import { download as downloadByHttp } from './download.ts';
import { inParallel } from './in-parallel.ts';
import type { ObjectCache } from './object-cache.ts';

/** Requests under way at a time, and downloads for each of them. */
const requests = 2;
const downloads = 8;

/** A link lives 15 minutes, so even a slow network uses up one or two before its forty objects are there. */
const rounds = 3;

/**
 * What objects belong to, by which the control plane judges a request: the revision names the root of a list, or the digest of an artifact.
 */
export interface Owner {
  revision: number;
  root: string;
}

export interface ArtifactTools {
  cache: ObjectCache;
  /** Asks the control plane for links. */
  ask: (request: ArtifactRequest, signal: AbortSignal) => Promise<ArtifactsAccepted>;
  newId: () => string;
  /** Fetches what is behind a link; null when the link is refused. */
  download?: typeof downloadByHttp;
}

const batchesOf = (hashes: readonly string[]): string[][] => {
  const batches: string[][] = [];
  for (let from = 0; from < hashes.length; from += artifactsPerRequest)
    batches.push(hashes.slice(from, from + artifactsPerRequest));
  return batches;
};

type Link = ArtifactsAccepted['artifacts'][number];

const linksFor = (hashes: readonly string[], answer: ArtifactsAccepted): Link[] => {
  const links = new Map(answer.artifacts.map((link) => [link.sha256, link]));
  return hashes.map((hash) => {
    const link = links.get(hash);
    if (!link) throw new Error(`The control plane gave no link to the object ${hash}.`);
    return link;
  });
};

/** Fetches one batch into the cache and answers the hashes whose link was refused. */
const fetchBatch = async (
  { cache, ask, newId, download = downloadByHttp }: ArtifactTools,
  owner: Owner,
  hashes: string[],
  signal: AbortSignal,
): Promise<string[]> => {
  const answer = await ask({ requestId: newId(), ...owner, hashes }, signal);
  const refused = await inParallel(linksFor(hashes, answer), downloads, async (link) => {
    const bytes = await download(link, signal);
    if (bytes === null) return [link.sha256];
    await cache.write(link.sha256, bytes);
    return [];
  });
  return refused.flat();
};

/**
 * Brings objects into the cache, each verified against its sha-256. A link that is refused is asked for again. What is there when
 * it fails stays, so the next try fetches only the rest.
 * @throws Error, DigestMismatch among them, with a message for the report.
 */
export const fetchArtifacts = async (
  tools: ArtifactTools,
  owner: Owner,
  hashes: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  let wanted = [...hashes];
  for (let round = 0; round < rounds && wanted.length > 0; round++) {
    const fetchOne = (batch: string[]) => fetchBatch(tools, owner, batch, signal);
    wanted = (await inParallel(batchesOf(wanted), requests, fetchOne)).flat();
  }
  if (wanted.length > 0)
    throw new Error(
      `Links to ${wanted.length} objects were refused (403) ${rounds} times, ${wanted[0]} first.`,
    );
};

/** Fetches what the cache lacks of these objects, and answers how many that were. @throws as `fetchArtifacts`. */
export const fetchLacking = async (
  tools: ArtifactTools,
  owner: Owner,
  hashes: readonly string[],
  signal: AbortSignal,
): Promise<number> => {
  const lacking: string[] = [];
  for (const hash of new Set(hashes)) if (!(await tools.cache.has(hash))) lacking.push(hash);
  if (lacking.length > 0) await fetchArtifacts(tools, owner, lacking, signal);
  return lacking.length;
};
