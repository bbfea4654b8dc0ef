import * as z from 'zod';

/** A problem document (RFC 9457), as `application/problem+json`. */
export const problemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; see docs/errors.md.' }),
    detail: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .meta({ description: 'JSON pointer into the body, or below /path, /query or /headers.' }),
          code: z.string(),
          message: z.string(),
          suggestion: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

/** What API Gateway itself answers when it refuses a request before any function sees it. */
export const gatewayRefusal = z.object({ message: z.string() }).meta({ id: 'GatewayRefusal' });
