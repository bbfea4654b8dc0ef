import * as z from 'zod/mini';
import { AppError, type ErrorCode } from '../../shared/errors.ts';
import { type ArtifactRequest, artifactRequest, artifactTopics } from '../../shared/messages/artifacts.ts';
import { logger } from '../lib/logger.ts';
import { readRevision } from '../stores/heads.ts';
import { chunkKey, manifestKey, readManifest } from '../stores/lists.ts';
import { sizeOf } from '../stores/objects.ts';
import { presignedGet } from '../stores/presigned.ts';
import { publishMessage } from '../stores/shadows.ts';
import { readState } from '../stores/status.ts';

const linkSeconds = 900;

/** What the topic rule selects; the Scanner is told by the topic, never by the payload. */
const artifactEvent = z.looseObject({ scannerId: z.string(), requestId: z.optional(z.string()) });

const deny = (message: string): never => {
  throw new AppError('ARTIFACT_NOT_NAMED', message);
};

/** Only the head's revision and the one last applied can be asked about: one manifest decides. */
const assertNamed = async (scannerId: string, request: ArtifactRequest): Promise<Map<string, string>> => {
  const { head, report } = await readState(scannerId);
  if (request.revision !== head.revision && request.revision !== report?.appliedRevision)
    deny(`Revision ${request.revision} is neither the desired nor the applied one.`);
  const { lists } = (await readRevision(scannerId, request.revision)).configuration;
  if (!Object.values(lists).some((list) => list.root === request.root))
    deny(`Revision ${request.revision} has no list with this root.`);
  const named = new Map([[request.root, manifestKey(request.root)]]);
  for (const chunk of (await readManifest(request.root)).chunks)
    named.set(chunk.sha256, chunkKey(chunk.sha256));
  return named;
};

const linkTo = async (sha256: string, key: string, now: Date) => ({
  sha256,
  url: await presignedGet(key, linkSeconds),
  bytes: (await sizeOf(key)) ?? 0,
  expiresAt: new Date(now.getTime() + linkSeconds * 1000).toISOString(),
});

const answer = async (scannerId: string, request: ArtifactRequest, now: Date): Promise<void> => {
  const named = await assertNamed(scannerId, request);
  const links = request.hashes.map((hash) =>
    linkTo(hash, named.get(hash) ?? deny(`The list does not name ${hash}.`), now),
  );
  const { requestId } = request;
  await publishMessage(artifactTopics(scannerId).accepted, {
    requestId,
    artifacts: await Promise.all(links),
  });
};

const reject = (scannerId: string, requestId: string, code: ErrorCode, message: string) =>
  publishMessage(artifactTopics(scannerId).rejected, { requestId, code, message });

/** Answers a Scanner's request for objects with links, or says why not; a request that cannot be judged yet is tried again. */
export const handler = async (event: unknown): Promise<void> => {
  const { scannerId, requestId = '', ...rest } = artifactEvent.parse(event);
  const request = artifactRequest.safeParse({ requestId, ...rest });
  if (!request.success)
    return reject(scannerId, requestId, 'ARTIFACT_REQUEST_INVALID', z.prettifyError(request.error));
  try {
    await answer(scannerId, request.data, new Date());
  } catch (error) {
    if (!(error instanceof AppError) || !['denied', 'missing'].includes(error.kind)) throw error;
    logger.warn('artifacts refused', { scannerId, code: error.code, revision: request.data.revision });
    await reject(scannerId, requestId, error.code, error.message);
  }
};
