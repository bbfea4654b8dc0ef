import * as z from 'zod';

/** EventBridge's event "Object Created" of S3, as far as an import reads it; the key comes as it is, not URL-encoded. */
export const objectCreated = z.object({
  detail: z.object({
    object: z.object({
      key: z.string(),
      size: z.number().optional(),
      'version-id': z.string().optional(),
      sequencer: z.string().default(''),
    }),
    requester: z.string().optional(),
  }),
});
export type ObjectCreated = z.infer<typeof objectCreated>;
