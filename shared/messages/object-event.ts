import * as z from 'zod/mini';

/** EventBridge's event "Object Created" of S3, as far as an import reads it; the key comes as it is, not URL-encoded. */
export const objectCreated = z.object({
  detail: z.object({
    object: z.object({
      key: z.string(),
      size: z.optional(z.number()),
      'version-id': z.optional(z.string()),
      sequencer: z._default(z.string(), ''),
    }),
    requester: z.optional(z.string()),
  }),
});
export type ObjectCreated = z.infer<typeof objectCreated>;
