import { credentialExamples } from './credentials.ts';
import type { Examples } from './define.ts';
import { historyExamples } from './history.ts';
import { importExamples } from './imports.ts';
import { listExamples } from './lists.ts';
import { metaExamples } from './meta.ts';
import { rolloutExamples } from './rollouts.ts';
import { scannerExamples } from './scanners.ts';
import { settingsExamples } from './settings.ts';

/** An example for every operation; the compiler names those that have none, and so does a test. */
export const examples = {
  ...credentialExamples,
  ...historyExamples,
  ...importExamples,
  ...listExamples,
  ...metaExamples,
  ...rolloutExamples,
  ...scannerExamples,
  ...settingsExamples,
} satisfies Examples;
