import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultAdvanced } from '../../../../shared/schemas/advanced.ts';
import { authenticationSection, inboundSection, outboundSection } from '../../../../shared/schemas/smtp.ts';

/** What stands in the first cells of the page's tables, between backquotes. */
const told = new Set(
  readFileSync('docs/postfix.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(?:[a-z]+\.)?([A-Za-z0-9]+)`/g)])
    .map(([, name]) => name),
);

/** Told by the title of their chapter, or by members of their own. */
const titles = ['tls', 'enabled'];

it('docs/postfix.md says of every setting how it is done', () => {
  const settings = [
    ...Object.values(defaultAdvanced()).flatMap(Object.keys),
    ...[inboundSection, outboundSection, authenticationSection].flatMap(({ shape }) => Object.keys(shape)),
  ].filter((name) => !titles.includes(name));
  expect([...new Set(settings)].filter((name) => !told.has(name))).toEqual([]);
});
