import { type DerivedName, findingsFile, tallyOf } from '../../../shared/domain/derived.ts';
import type { Manifest } from '../../../shared/domain/lists/chunks.ts';
import { type Finding, linter } from '../../../shared/domain/lists/lint.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { derivedKey, putLintResult, putPieces } from '../../stores/derived.ts';
import { eachChunk, readManifest } from '../../stores/lists.ts';

/** Domains stand in the order of their first labels, so what covers one is nowhere near it: all are known before. */
const enabledDomainsOf = async ({ chunks }: Manifest): Promise<Set<string>> => {
  const domains = new Set<string>();
  const holding = chunks.filter(({ kinds }) => (kinds.domain ?? 0) > 0);
  for await (const entries of eachChunk(holding))
    for (const { kind, enabled, value } of entries) if (kind === 'domain' && enabled) domains.add(value);
  return domains;
};

async function* findingsIn(manifest: Manifest, list: AccessListName): AsyncGenerator<Finding[]> {
  let found: Finding[] = [];
  const lint = linter(list, await enabledDomainsOf(manifest), (finding) => found.push(finding));
  for await (const entries of eachChunk(manifest.chunks)) {
    for (const entry of entries) lint.entry(entry);
    yield found;
    found = [];
  }
  lint.end();
  yield found;
}

/** Looks a list through: all findings as JSON Lines first, then the result, whose being there says that all is done. */
export const makeLint = async (root: string, name: DerivedName, list: AccessListName): Promise<void> => {
  const manifest = await readManifest(root);
  const { result, add } = tallyOf();
  async function* lines() {
    for await (const findings of findingsIn(manifest, list)) {
      for (const finding of findings) add(finding);
      yield findings.map((finding) => `${JSON.stringify(finding)}\n`).join('');
    }
  }
  const fileName = findingsFile(name);
  await putPieces(derivedKey(root, fileName), lines(), { contentType: 'application/x-ndjson', fileName });
  await putLintResult(root, name, result);
};
