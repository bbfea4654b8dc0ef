import * as z from 'zod/mini';
import type { Head } from '../../shared/domain/configuration.ts';
import { artifactsHandedOut } from '../../shared/domain/handed-out.ts';
import { AppError, type ErrorCode } from '../../shared/errors.ts';
import { type ArtifactRequest, artifactRequest, artifactTopics } from '../../shared/messages/artifacts.ts';
import { logger } from '../lib/logger.ts';
import { countBy } from '../lib/metrics.ts';
import { observed } from '../lib/observed.ts';
import { readRevision } from '../stores/heads.ts';
import { chunkKey, manifestKey, readManifest } from '../stores/lists.ts';
import { sha256, sizeOf } from '../stores/objects.ts';
import { presignedGet } from '../stores/presigned.ts';
import { assertRegistered } from '../stores/scanners.ts';
import { publishMessage } from '../stores/shadows.ts';
import { readState, type ScannerState } from '../stores/status.ts';

const linkSeconds = 900;

/** What the topic rule selects; the Scanner is told by the topic, never by the payload. */
const artifactEvent = z.looseObject({ scannerId: z.string(), requestId: z.optional(z.string()) });

const deny = (message: string): never => {
  throw new AppError('ARTIFACT_NOT_NAMED', message);
};

/** Keys of the objects that may be asked for, by hash. */
type Named = Map<string, string>;

/** Lists of the head's revision and of the one last applied can be asked about: one manifest decides. */
const listNamed = async (scannerId: string, { revision, root }: ArtifactRequest): Promise<Named> => {
  const { lists } = (await readRevision(scannerId, revision)).configuration;
  if (!Object.values(lists).some((list) => list.root === root))
    deny(`Revision ${revision} has no list or artifact with this root.`);
  const { chunks } = await readManifest(root);
  return new Map([
    [root, manifestKey(root)],
    ...chunks.map(({ sha256: hash }): [string, string] => [hash, chunkKey(hash)]),
  ]);
};

const artifactNamed = (head: Head, { revision, root }: ArtifactRequest): Named | null => {
  const key = artifactsHandedOut(head, revision, sha256).get(root);
  return key === undefined ? null : new Map([[root, key]]);
};

/** Of a decommissioned Scanner nothing is handed out; of one whose id was registered again only what is of this registration. */
const assertMayAsk = ({ scanner, head }: ScannerState, revision: number): void => {
  assertRegistered(scanner);
  if (revision < (head.registration?.revision ?? 1))
    deny(`Revision ${revision} is of an earlier registration of this id.`);
};

const namedBy = async (scannerId: string, request: ArtifactRequest): Promise<Named> => {
  const state = await readState(scannerId);
  const { head, report } = state;
  const { revision } = request;
  assertMayAsk(state, revision);
  if (revision < head.revision && revision !== report?.appliedRevision)
    throw new AppError(
      'ARTIFACT_SUPERSEDED',
      `Revision ${head.revision} is desired now, and not ${revision}.`,
    );
  if (revision > head.revision) deny(`Revision ${revision} is not made yet.`);
  return artifactNamed(head, request) ?? listNamed(scannerId, request);
};

const linkTo = async (hash: string, key: string, now: Date) => ({
  sha256: hash,
  url: await presignedGet(key, linkSeconds),
  bytes: (await sizeOf(key)) ?? 0,
  expiresAt: new Date(now.getTime() + linkSeconds * 1000).toISOString(),
});

const answer = async (scannerId: string, request: ArtifactRequest, now: Date): Promise<void> => {
  const named = await namedBy(scannerId, request);
  const keys = request.hashes.map(
    (hash) => named.get(hash) ?? deny(`The root that was given does not name ${hash}.`),
  );
  const links = request.hashes.map((hash, index) => linkTo(hash, keys[index] ?? '', now));
  const { requestId } = request;
  await publishMessage(artifactTopics(scannerId).accepted, {
    requestId,
    artifacts: await Promise.all(links),
  });
};

/** Refusals are counted by code: a Scanner that asks for what is not its own is to be noticed. That a newer revision came meanwhile is none of these. */
const reject = async (scannerId: string, { requestId, code, message }: Refusal): Promise<void> => {
  if (code !== 'ARTIFACT_SUPERSEDED') countBy('ArtifactsRefused', code);
  logger.warn('artifacts refused', { scannerId, code });
  await publishMessage(artifactTopics(scannerId).rejected, { requestId, code, message });
};

interface Refusal {
  requestId: string;
  code: ErrorCode;
  message: string;
}

/** Refusals that stay what they are however often the request is tried. */
const isRefusal = (error: unknown): error is AppError =>
  error instanceof AppError && ['denied', 'missing', 'conflict'].includes(error.kind);

/** Answers a Scanner's request for objects with links, or says why not; a request that cannot be judged yet is tried again. */
export const handler = observed(async (event: unknown): Promise<void> => {
  const { scannerId, requestId = '', ...rest } = artifactEvent.parse(event);
  const request = artifactRequest.safeParse({ requestId, ...rest });
  if (!request.success) {
    const message = z.prettifyError(request.error);
    return reject(scannerId, { requestId, code: 'ARTIFACT_REQUEST_INVALID', message });
  }
  try {
    await answer(scannerId, request.data, new Date());
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await reject(scannerId, { requestId, code: error.code, message: error.message });
  }
});
