import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { readImportFile } from '../../../../shared/domain/lists/import-file.ts';
import { inOrder, referenceEntry, referenceFile } from './reference.ts';

const readBytes = (bytes: Uint8Array, pieces = [bytes.length]) => {
  const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 10_000_000 });
  let from = 0;
  for (const length of [...pieces, bytes.length]) {
    if (from >= bytes.length) break;
    reader.push(bytes.subarray(from, from + length));
    from += length;
  }
  return reader.end();
};

const octet = fc.oneof(
  fc.constantFrom('0', '1', '9', '10', '127', '192', '255', '256', '00', '01', '010', '1000', ''),
  fc.nat(255).map(String),
);
const looseIpv4 = fc.array(octet, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
const strictIpv4 = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((parts) => parts.join('.'));
const group = fc.oneof(
  fc.constantFrom('', '0', '0000', 'ffff', 'FFFF', '00000', 'g', '1'),
  fc.nat(0xffff).map((n) => n.toString(16)),
);
const looseIpv6 = fc
  .tuple(
    fc.array(group, { minLength: 2, maxLength: 9 }),
    fc.constantFrom('', ':', '::'),
    fc.option(strictIpv4, { nil: '' }),
  )
  .map(([groups, joint, tail]) => `${groups.join(':')}${joint}${tail}`);
const strictIpv6 = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([groups, upper, padded]) => {
    const text = groups.map((one) => one.toString(16).padStart(padded ? 4 : 1, '0')).join(':');
    return upper ? text.toUpperCase() : text;
  });
const mapped = fc
  .tuple(
    fc.constantFrom('::ffff:', '::', '::FFFF:', '64:ff9b::', '0:0:0:0:0:ffff:', '::ffff:0:', '1::2:'),
    strictIpv4,
  )
  .map((parts) => parts.join(''));
const shortened = strictIpv6.map((text) =>
  text
    .replace(/(?:^|:)(?:0+:)+0+(?=:|$)/, ':')
    .replace(/^:(?!:)/, '::')
    .replace(/:$/, '::'),
);
const prefix = fc.oneof(
  fc.nat(130).map(String),
  fc.constantFrom('', '024', '-1', '+8', '8 ', '255.255.255.0', '0.0.0.255', '١٢'),
);
const label = fc.oneof(
  fc.stringMatching(/^[a-z0-9_-]{1,12}$/),
  fc.constantFrom(
    'com',
    'example',
    'MAIL',
    '123',
    '0x1f',
    '4e0',
    'a'.repeat(63),
    'a'.repeat(64),
    '-a',
    'a-',
    '',
  ),
);
const name = fc
  .tuple(
    fc.constantFrom('', '*.', '.', '*', '..'),
    fc.array(label, { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', '.', '..'),
  )
  .map(([before, labels, after]) => `${before}${labels.join('.')}${after}`)
  .filter((text) => !/xn--/i.test(text));
const withPrefix = fc
  .tuple(fc.oneof(strictIpv4, looseIpv4, strictIpv6, shortened, mapped, name), prefix)
  .map((parts) => parts.join('/'));
const other = fc.constantFrom(
  '10.0.0.0-10.0.0.255',
  '10.0.0.*',
  '127.1',
  '010.0.0.1',
  '0x7f.0.0.1',
  '3232235777',
  'fe80::1%eth0',
  '[::1]',
  'user@example.com',
  'http://example.com/',
  '10.0.0.1:25',
  'a/b/c',
  '-',
  '\u001b[31m',
  '=1+1',
  '::',
  ':',
  '.',
  '*',
  '/',
  '"',
);
const token = fc.oneof(
  strictIpv4,
  looseIpv4,
  strictIpv6,
  shortened,
  looseIpv6,
  mapped,
  name,
  withPrefix,
  other,
);

describe('every token', () => {
  it('is judged as an independent reading of the table judges it', () => {
    fc.assert(
      fc.property(token, (text) => {
        const [own, reference] = [parseEntry(text), referenceEntry(text)];
        expect(own.ok ? own.value : null).toBe(reference?.value ?? null);
      }),
      { numRuns: 20_000 },
    );
  });

  it('that is refused with a suggestion is refused for its spelling: the suggestion is an entry, and as it stands', () => {
    fc.assert(
      fc.property(token, (text) => {
        const own = parseEntry(text);
        if (own.ok || own.suggestion === undefined) return;
        expect(referenceEntry(own.suggestion)?.value).toBe(own.suggestion);
      }),
      { numRuns: 5000 },
    );
  });
});

const delimiter = fc.oneof(
  fc.constantFrom(',', ';', ' ', '\t', '\n', '\r\n', '\r', ',\n', ', ', ' ; ', '\n\n'),
  fc.stringMatching(/^[,; \t\r\n]{1,4}$/),
);
const plainWord = token.filter((text) => !/[\s,;"]/.test(text) && text !== '' && !text.startsWith('#'));
const spelt = fc
  .tuple(plainWord, fc.constantFrom('plain', 'quoted', 'upper', 'host bits'))
  .map(([word, how]) => {
    if (how === 'quoted') return `"${word}"`;
    return how === 'upper' ? word.toUpperCase() : word;
  });
const piece = fc.oneof(
  { weight: 8, arbitrary: spelt },
  { weight: 1, arbitrary: fc.constantFrom('# a comment, with 10.9.9.9; and example.org\n', '#\r\n', '#x\r') },
);
const file = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom('', '', '', 'domain\n', 'IP\r\n', '"Network"\n'),
    fc.array(fc.tuple(piece, delimiter), { minLength: 1, maxLength: 40 }),
    fc.nat(5),
  )
  .map(([mark, header, words, again]) => {
    const body = words.map(([word, gap]) => `${word}${gap}`).join('');
    const doubles = words
      .slice(0, again)
      .map(([word]) => `${word}\n`)
      .join('');
    return `${mark ? '\ufeff' : ''}${header}${body}\n${doubles}`;
  });

describe('every file', () => {
  it('has the entries and counts that an independent reading of the words finds, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(file, fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }), (text, pieces) => {
        const reference = referenceFile(text);
        if (reference.tokens === 0) return;
        const { changes, counts } = readBytes(Buffer.from(text), pieces);
        expect(changes.map(({ value }) => value)).toEqual(reference.values);
        const { values: _, ...numbers } = reference;
        expect(counts).toEqual(numbers);
      }),
      { numRuns: 3000 },
    );
  });
});

/** The real lists lie beside the checkout; where they are not, as with a stranger, only the sample of the repository is read. */
const folder = join('..', 'shared', 'data');
const real = existsSync(folder)
  ? readdirSync(folder).filter((entry) => existsSync(join(folder, `${entry}.expected`)))
  : [];
const lines = (path: string) => readFileSync(path, 'utf8').split('\n').filter(Boolean);

it('real lists are beside the checkout where all is tested', () => {
  expect(process.env['CI'] === undefined || real.length > 0).toBe(true);
});

describe.skipIf(real.length === 0)('a real list', () => {
  it.each(real)('%s has the entries that another program found, and those that the rules decide', (entry) => {
    const path = join(folder, entry);
    const policy = existsSync(`${path}.policy`)
      ? lines(`${path}.policy`).map((line) => line.split('\t'))
      : [];
    const byRule = policy.filter(([reason]) => reason !== 'single-label').map(([, , value]) => value ?? '');
    const expected = [...new Set([...lines(`${path}.expected`), ...byRule])];

    const { changes, counts } = readBytes(readFileSync(path), [65_537]);

    const found = changes.map(({ value }) => value);
    expect(found).toEqual(
      inOrder(expected.map((value) => referenceEntry(value) ?? { value, rank: [2, value, 0] })),
    );
    if (policy.length === 0) expect(found).toEqual(lines(`${path}.expected`));
    const told = JSON.parse(readFileSync(`${path}.expected.json`, 'utf8')) as Record<string, number>;
    const refused =
      (told['rejected_tokens'] ?? 0) + policy.filter(([reason]) => reason === 'single-label').length;
    expect(counts.invalid).toBeGreaterThanOrEqual(told['rejected_tokens'] ?? 0);
    expect(counts.invalid).toBeLessThanOrEqual(refused + (told['policy_tokens'] ?? 0));
  });
});

it('the sample of the repository has the entries that another program found', () => {
  const { changes } = readBytes(readFileSync('samples/partner-networks.txt'));
  expect(`${changes.map(({ value }) => value).join('\n')}\n`).toBe(
    readFileSync('test/data/partner-networks.expected', 'utf8'),
  );
});
