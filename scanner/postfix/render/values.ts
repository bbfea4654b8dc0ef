/** Parameters with their values, as they are meant: escaping is done where they are written. */
export type Parameters = readonly (readonly [name: string, value: string])[];

const isBalanced = (value: string): boolean => {
  let depth = 0;
  for (const character of value) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
};

/**
 * A value as both main.cf and `-o` take it: it stays on its line, and no `$` in it is a name (postconf(5)).
 * @throws TypeError for what no escape makes one value: control characters, braces that do not match, space around it.
 */
export const escaped = (value: string): string => {
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value) || !isBalanced(value) || value.trim() !== value)
    throw new TypeError('A value for Postfix has a control character, a lone brace, or space around it.');
  return value.replaceAll('$', '$$$$');
};

const parameterName = /^[a-z0-9_A-Z]+$/;

const assertName = (name: string): string => {
  if (!parameterName.test(name)) throw new TypeError(`"${name}" is no parameter of Postfix.`);
  return name;
};

/** Lines of main.cf. */
export const mainLines = (parameters: Parameters): string =>
  parameters.map(([name, value]) => `${assertName(name)} = ${escaped(value)}`.trimEnd()).join('\n');

/** Lines of overrides below a service of master.cf; the braces keep spaces (master(5), Postfix 3.0). */
export const overrideLines = (parameters: Parameters): string[] =>
  parameters.map(([name, value]) => `    -o {${assertName(name)}=${escaped(value)}}`);

/** Several values in one, each kept whole by its braces. */
export const grouped = (values: readonly string[]): string =>
  `{${values.map((value) => `{${value}}`).join(', ')}}`;
