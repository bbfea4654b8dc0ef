import type { AccessListName } from '../schemas/lists.ts';
import { type ExportFormat, exportFormats } from './lists/export.ts';
import { type Finding, type LintCode, lintCodes } from './lists/lint.ts';

/** What is made of a list once for a root and kept as an object: what lint finds, for each use of the list, and its long exports. */
export type DerivedName = `lint-${AccessListName}` | `export-${ExportFormat}`;

/**
 * How long the making of one may take, in seconds. The worker is ended after it, and a wish without an answer told again: its message may
 * have been lost. Told sooner, the same work would be begun beside the one under way.
 */
export const makingSeconds = 300;

/** What a name asks for. */
export type DerivedWish = { kind: 'lint'; list: AccessListName } | { kind: 'export'; format: ExportFormat };

export const wishOf = (name: DerivedName): DerivedWish => {
  const format = exportFormats.find((one) => name === `export-${one}`);
  return format
    ? { kind: 'export', format }
    : { kind: 'lint', list: name.slice('lint-'.length) as AccessListName };
};

/** The object's name below its root: the file as a person would save it. */
export const derivedFile = (name: DerivedName): string => {
  const wish = wishOf(name);
  return wish.kind === 'lint' ? `${name}.json` : `list.${wish.format}`;
};

/** All findings, one a line, beside the result that counts them. */
export const findingsFile = (name: DerivedName): string => `${name}.jsonl`;

/** What lint found in numbers, and as much of it as an answer holds. */
export interface LintResult {
  counts: Record<LintCode, number>;
  findings: Finding[];
}

const keptOfCode = 100;

/** Counts findings and keeps the first of each code. */
export const tallyOf = (): { result: LintResult; add(finding: Finding): void } => {
  const counts = Object.fromEntries(lintCodes.map((code) => [code, 0])) as Record<LintCode, number>;
  const findings: Finding[] = [];
  return {
    result: { counts, findings },
    add(finding) {
      counts[finding.code] += 1;
      if (counts[finding.code] <= keptOfCode) findings.push(finding);
    },
  };
};
