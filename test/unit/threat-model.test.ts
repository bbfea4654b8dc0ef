import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/threat-model.md', 'utf8');

/** `path`: name of a test, up to the end of the cell or the sentence. */
const named = [...page.matchAll(/`(test\/[\w./-]+\.ts)`: ([^|\n]+?)(?: \||\.?\n)/g)].map(
  ([, file = '', test = '']) => ({ file, test: test.trim() }),
);

describe('the threat model', () => {
  it('names tests', () => expect(named.length).toBeGreaterThan(25));

  it.each(named)('is shown by $file: $test', ({ file, test }) => {
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain(`'${test}`);
  });

  it('names pages that are there', () => {
    const pages = [...page.matchAll(/`(docs\/[\w./-]+)`/g)].map(([, file = '']) => file);
    expect(pages.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('has a test or a page for every threat', () => {
    const rows = page.split('\n').filter((line) => /^\| (to|a|an|two|text|use|odd)\b/.test(line));
    const open = rows.filter((row) => row.split('|').length === 5 && !/`(test|docs)\//.test(row));
    expect(open.filter((row) => !row.startsWith('| a thief'))).toEqual([]);
  });
});
