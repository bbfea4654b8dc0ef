import fc from 'fast-check';

/** Text that programs stumble over. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\r\n',
    '\ud800',
    '\ufeff',
    '\u202e192.0.2.1',
    '１９２.0.2.1',
    'İstanbul.example',
    'ß'.repeat(300),
    '\u{1f600}',
    'e\u0301\u0301\u0301',
    '../../etc/passwd',
    '%00',
    '%2e%2e%2f',
    '__proto__',
    'constructor',
    'toString',
    'null',
    'NaN',
    '-0',
    '0x10',
    '1e3',
    '17.5',
    '9007199254740993',
    "'; DROP TABLE x; --",
    '{{7*7}}',
    '#',
    '/',
    '?',
    '*',
    'true',
    '[]',
    'W/"1"',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.nat(12).map((power) => 'x'.repeat(2 ** power)),
  fc.base64String({ maxLength: 60 }),
);

const deep = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

/** JSON texts, as they would stand in a body; not all of them are JSON. */
const oddJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '0',
    '-0',
    '-1',
    '0.5',
    '65536',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740993',
    '"\\u0000"',
    '"\\ud800"',
    '{"__proto__":{"enabled":true}}',
    '{"constructor":{"prototype":{}}}',
    '{"":{}}',
    '{"a":1,"a":2}',
    'undefined',
    'NaN',
    "'x'",
    '01',
    '[1,]',
    deep(40, '[', ']'),
    deep(100_000, '[', ']'),
    `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  ),
  oddText.map((text) => JSON.stringify(text)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);

/** A place in a value, by the number of the step: every object, member and element is one. */
const placesOf = (value: unknown, path: readonly string[] = []): string[][] => [
  [...path],
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))
    : []),
];

const marker = 'b4d5f0e2-here';

const edited = (
  value: unknown,
  path: readonly string[],
  edit: (holder: Record<string, unknown>, key: string) => void,
) => {
  const copy = { root: structuredClone(value) } as Record<string, unknown>;
  const steps = ['root', ...path];
  const key = steps.pop() ?? 'root';
  edit(
    steps.reduce((holder, step) => holder[step] as Record<string, unknown>, copy),
    key,
  );
  return copy['root'];
};

/**
 * JSON texts near a value: one place replaced by something odd, one member left out, one added, or the text itself broken.
 */
export const mutated = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc
    .tuple(valid, fc.nat(), fc.constantFrom('replace', 'remove', 'add', 'cut', 'insert'), oddJson, oddText)
    .map(([value, choice, kind, json, text]) => {
      const places = placesOf(value);
      const path = places[choice % places.length] ?? [];
      const whole = JSON.stringify(value) ?? '';
      switch (kind) {
        case 'replace':
          return JSON.stringify(edited(value, path, (holder, key) => (holder[key] = marker))).replace(
            `"${marker}"`,
            () => json,
          );
        case 'remove':
          return JSON.stringify(edited(value, path, (holder, key) => delete holder[key])) ?? 'null';
        case 'add': {
          const put = (holder: Record<string, unknown>, key: string) => {
            const at = holder[key];
            if (Array.isArray(at)) at.push(text);
            else if (typeof at === 'object' && at !== null)
              Object.defineProperty(at, text, { value: 1, enumerable: true });
            else holder[key] = text;
          };
          return JSON.stringify(edited(value, path, put));
        }
        case 'cut':
          return whole.slice(0, choice % (whole.length + 1));
        default:
          return (
            whole.slice(0, choice % (whole.length + 1)) + text + whole.slice(choice % (whole.length + 1))
          );
      }
    });
