import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import { problemsOf } from '../../../shared/domain/validation.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { flag, limit } from '../../../shared/schemas/common.ts';
import { newEntries } from '../../../shared/schemas/lists.ts';
import { newScanner } from '../../../shared/schemas/scanner.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';

/** What is wrong with a document: code, place and words. */
const toldOf = (schema: z.ZodMiniType, document: unknown): string[] => {
  const { error } = schema.safeParse(document);
  return error ? problemsOf(error, document).map((one) => `${one.code} ${one.pointer} ${one.message}`) : [];
};

const inbound = (more: object) => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.10', port: 25 }, ...more },
});

describe('a value that is refused by its shape says what is to be given, and what came', () => {
  it.each<[string, z.ZodMiniType, unknown, string]>([
    [
      'text for a number',
      smtpSettings,
      inbound({ ipv4: { address: '192.0.2.10', port: '25' } }),
      'TYPE_INVALID /inbound/ipv4/port Give a number; this is text.',
    ],
    [
      'a fraction',
      advancedSettings,
      { inbound: { maxConnections: 1.5 } },
      'TYPE_INVALID /inbound/maxConnections Give a whole number; this is a number with a fraction.',
    ],
    [
      'a number that is too large for any',
      advancedSettings,
      JSON.parse('{ "inbound": { "maxConnections": 1e400 } }'),
      'TYPE_INVALID /inbound/maxConnections Give a number; this is a number too large.',
    ],
    ['a list for the document', smtpSettings, [], 'TYPE_INVALID  Give an object; this is a list.'],
    [
      'null for true or false',
      advancedSettings,
      { delivery: { opportunisticTls: null } },
      'TYPE_INVALID /delivery/opportunisticTls Give true or false; this is null.',
    ],
    [
      'a word that is none of those allowed',
      smtpSettings,
      inbound({ accept: 'some' }),
      'VALUE_INVALID /inbound/accept Give "all" or "listed".',
    ],
    [
      'a kind of source that there is not',
      smtpSettings,
      { mailFiltering: 'outbound', authentication: { enabled: true, source: { type: 'radius' } } },
      'VALUE_INVALID /authentication/source/type Give "ldap" or "smtp-forwarding".',
    ],
    [
      'a source without its kind',
      smtpSettings,
      { mailFiltering: 'outbound', authentication: { enabled: true, source: {} } },
      'VALUE_INVALID /authentication/source/type Give "ldap" or "smtp-forwarding".',
    ],
    [
      'a binding that is an object',
      advancedSettings,
      { bindings: { local: { address: '192.0.2.20' } } },
      'VALUE_INVALID /bindings/local "auto", "inbound", "outbound" or an address of this Scanner, as text',
    ],
    [
      'a binding that is too long',
      advancedSettings,
      { bindings: { local: 'x'.repeat(70) } },
      'VALUE_INVALID /bindings/local Give at most 64 characters; this has 70.',
    ],
    [
      'a number below its bound',
      advancedSettings,
      { inbound: { maxConnections: 0 } },
      'VALUE_INVALID /inbound/maxConnections Give 1 or more; this is 0.',
    ],
    ['a number of a query above its bound', limit, '5000', 'VALUE_INVALID  Give 1000 or less.'],
    ['no item', newEntries, { entries: [] }, 'VALUE_INVALID /entries Give at least 1 item; this has 0.'],
    ['a flag of a query', flag, 'yes', 'VALUE_INVALID  Give "true" or "false".'],
    [
      'a name that is none',
      newScanner,
      { scannerId: 'mx1', labels: { Site: 'lyon' } },
      'VALUE_INVALID /labels/Site a label name is 1 to 63 lower-case letters, digits, dots, hyphens, underscores and slashes',
    ],
  ])('%s', (_, schema, document, told) => {
    const all = toldOf(schema, document);

    expect(all).toContain(told);
  });

  it('and nothing of a value of the wrong type is repeated', () => {
    expect(toldOf(newScanner, { scannerId: 'mx1', description: 8_675_309 })).toEqual([
      'TYPE_INVALID /description Give text; this is a number.',
    ]);
  });
});
