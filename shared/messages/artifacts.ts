import * as z from 'zod/mini';
import { digest } from '../schemas/common.ts';

/**
 * A Scanner asks on `scanners/{thing}/artifacts/get` for objects that one of its lists names. `root` may be among
 * `hashes` itself. Forty presigned URLs fit in the 128 KB of an MQTT message.
 */
export const artifactsPerRequest = 40;

export const artifactRequest = z.strictObject({
  requestId: z.string().check(z.minLength(1), z.maxLength(64)),
  revision: z.int().check(z.minimum(1)),
  root: digest,
  hashes: z.array(digest).check(z.minLength(1), z.maxLength(artifactsPerRequest)),
});
export type ArtifactRequest = z.infer<typeof artifactRequest>;

export const artifactsAccepted = z.object({
  requestId: z.string(),
  artifacts: z.array(z.object({ sha256: digest, url: z.string(), bytes: z.int(), expiresAt: z.string() })),
});
export type ArtifactsAccepted = z.infer<typeof artifactsAccepted>;

export const artifactsRejected = z.object({ requestId: z.string(), code: z.string(), message: z.string() });
export type ArtifactsRejected = z.infer<typeof artifactsRejected>;

/** Topics of one Scanner's artifact requests; MQTT level by level. */
export const artifactTopics = (scannerId: string) => ({
  get: `scanners/${scannerId}/artifacts/get`,
  accepted: `scanners/${scannerId}/artifacts/accepted`,
  rejected: `scanners/${scannerId}/artifacts/rejected`,
});
