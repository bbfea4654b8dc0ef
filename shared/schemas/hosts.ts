import * as z from 'zod/mini';
import { coded, ofDryRun, port, revision, warnings } from './common.ts';

const hostId = z
  .string()
  .check(
    z.regex(/^host-[0-9a-f]{16}$/, { error: coded('VALUE_INVALID', 'not an id of a host') }),
    z.meta({ description: 'Id of a host in its list.', example: 'host-5e0c3a527d0b4c7e' }),
  );

/** Where mail is sent to. Tab rows "Inbound Local Mail Delivery" and "Relay non-local domain mail to the following hosts". */
export const hostInput = z.strictObject({
  host: z.string().check(
    z.minLength(1),
    z.maxLength(254),
    z.meta({
      description: 'An IPv4 address or a host name. IPv6 is not supported for this feature.',
      example: 'mail.example.com',
    }),
  ),
  port: z._default(port, 25),
  mxLookup: z
    ._default(z.boolean(), false)
    .check(
      z.meta({ description: 'Looks up the MX records of the name; otherwise its address. Needs a name.' }),
    ),
  preference: z._default(z.int().check(z.minimum(0), z.maximum(65_535)), 10).check(
    z.meta({
      description: 'Lower ones are tried first; equal ones share the load, as MX preferences do (RFC 5321).',
    }),
  ),
});
export type HostInput = z.infer<typeof hostInput>;

export const host = z.object({ hostId, ...hostInput.shape }).check(z.meta({ id: 'Host' }));
export type Host = z.infer<typeof host>;

export const hostPath = { hostId };

/** Answer of every edit of a host list. */
export const hostEdit = z
  .object({ host: z.optional(host), revision, ...ofDryRun, warnings })
  .check(z.meta({ id: 'HostEdit' }));

export const hostsPage = z.object({ items: z.array(host), nextCursor: z.optional(z.string()), revision });
