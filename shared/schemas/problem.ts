import * as z from 'zod/mini';

/** A problem document (RFC 9457), as `application/problem+json`. */
export const problemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().check(z.meta({ description: 'Stable; see docs/errors.md.' })),
    detail: z.string(),
    requestId: z.string(),
    errors: z.optional(
      z.array(
        z.object({
          pointer: z
            .string()
            .check(
              z.meta({ description: 'JSON pointer into the body, or below /path, /query or /headers.' }),
            ),
          code: z.string(),
          message: z.string(),
          suggestion: z.optional(z.string()),
        }),
      ),
    ),
  })
  .check(z.meta({ id: 'Problem' }));

/** What API Gateway itself answers when it refuses a request before any function sees it. */
export const gatewayRefusal = z.object({ message: z.string() }).check(z.meta({ id: 'GatewayRefusal' }));
