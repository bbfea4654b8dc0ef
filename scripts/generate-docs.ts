import { readFileSync, writeFileSync } from 'node:fs';
import { errors, statusOfKind } from '../shared/errors.ts';
import { openApiDocument } from '../shared/openapi.ts';
import { type Lockfile, licencesPage } from './licences.ts';

const lockfile = () => JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;

const errorRows = Object.entries(errors)
  .map(([code, { kind, title }]) => `| \`${code}\` | ${statusOfKind[kind]} | ${title} |`)
  .join('\n');

/** What is generated from the code, by file; a test holds the files equal to it. */
export const generatedDocs = (): Record<string, string> => ({
  'docs/openapi.json': `${JSON.stringify(openApiDocument(), null, 2)}\n`,
  'docs/errors.md': `# Error codes

Generated from \`shared/errors.ts\` by \`npm run gen\`. Problem documents, warnings, reports of imports and reasons all use these codes, and
they stay stable. The status is that of a problem document with this code; a code inside \`errors\` or \`warnings\` has none of its own.

| code | status | meaning |
|---|---|---|
${errorRows}
`,
  'docs/licences.md': licencesPage(lockfile()),
});

if (import.meta.main)
  for (const [file, text] of Object.entries(generatedDocs())) {
    const before = readFileSync(file, { encoding: 'utf8', flag: 'a+' });
    if (before !== text) writeFileSync(file, text);
    console.log(`${file} ${before === text ? 'is as it should be' : 'written'}`);
  }
