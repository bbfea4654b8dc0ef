import * as z from 'zod/mini';
import { coded, memberVersion, ofDryRun, port, text, time, warnings } from './common.ts';

export const directorySourceId = z
  .string()
  .check(
    z.regex(/^directory-[0-9a-f]{16}$/, { error: coded('VALUE_INVALID', 'not an id of a directory source') }),
    z.meta({ description: 'Id of a directory source.', example: 'directory-5e0c3a527d0b4c7e' }),
  );

/** What a directory source may be asked for. */
export const directoryFunctions = [
  'authentication',
  'address-resolution',
  'recipient-validation',
  'routing',
] as const;
export type DirectoryFunction = (typeof directoryFunctions)[number];

const distinguishedName = z
  .string()
  .check(
    z.maxLength(1000),
    z.meta({ description: 'A distinguished name (RFC 4514).', example: 'ou=people,dc=example,dc=com' }),
  );

const connection = {
  name: text(100).check(z.minLength(1), z.meta({ description: 'What people call it; each name once.' })),
  functions: z
    .array(z.enum(directoryFunctions))
    .check(z.minLength(1), z.meta({ description: 'What it is asked for; each function once.' })),
  host: z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(254),
      z.meta({ description: 'An address or a host name.', example: 'ldap.example.com' }),
    ),
  port: z.optional(port).check(z.meta({ description: 'Unless given, 636 with `ldaps` and 389 otherwise.' })),
  tls: z._default(z.enum(['none', 'start-tls', 'ldaps']), 'start-tls'),
  bindDn: z
    ._default(z.nullable(distinguishedName), null)
    .check(z.meta({ description: 'As whom it is asked; null: anonymously.' })),
  baseDn: distinguishedName,
  userFilter: z.string().check(
    z.minLength(1),
    z.maxLength(1000),
    z.meta({
      description:
        'Finds a user (RFC 4515). %s stands for the name that the user gave, %u for the part before its @, %d for the part after it.',
      example: '(&(objectClass=person)(mail=%s))',
    }),
  ),
  timeoutSeconds: z
    ._default(z.int().check(z.minimum(1), z.maximum(120)), 10)
    .check(z.meta({ description: 'How long an answer is waited for. The bounds are ours.' })),
};

/** A directory that Scanners ask (LDAP). */
export const directorySourceInput = z.strictObject({
  ...connection,
  bindPassword: z.optional(z.nullable(z.string().check(z.minLength(1), z.maxLength(1000)))).check(
    z.meta({
      description:
        'Never answered back. Left out, the one that is stored stays, as long as it goes to the same host, port and name and its TLS is not given up; null removes it.',
      writeOnly: true,
    }),
  ),
});
export type DirectorySourceInput = z.infer<typeof directorySourceInput>;

export const directorySource = z
  .object({
    directorySourceId,
    ...connection,
    port,
    hasBindPassword: z.boolean(),
    passwordChangedAt: z
      .nullable(time)
      .check(z.meta({ description: 'When the bind password was given, or taken away; null: never.' })),
    version: memberVersion,
    createdAt: time,
    updatedAt: time,
    ...ofDryRun,
    warnings,
  })
  .check(z.meta({ id: 'DirectorySource' }));
export type DirectorySource = z.infer<typeof directorySource>;
