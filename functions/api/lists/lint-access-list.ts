import { findingsFile } from '../../../shared/domain/derived.ts';
import { lintAccessList as operation } from '../../../shared/operations/lint-access-list.ts';
import { httpStack } from '../../lib/http.ts';
import { isMade, readLintResult } from '../../stores/derived.ts';
import { readHead } from '../../stores/heads.ts';
import { etagOf } from '../write.ts';
import { linkTo, pending } from './derived-answer.ts';

export const lintAccessList = httpStack(operation, async ({ params, now }) => {
  const head = await readHead(params.scannerId);
  const { root } = head.configuration.lists[params.list];
  const name = `lint-${params.list}` as const;
  if (!(await isMade(root, name))) return pending(root, name, now);
  const result = await readLintResult(root, name);
  const findingsTotal = Object.values(result.counts).reduce((sum, count) => sum + count, 0);
  const download = findingsTotal === 0 ? {} : { download: await linkTo(root, findingsFile(name), now) };
  const body = { list: params.list, root, revision: head.revision, ...result, findingsTotal, ...download };
  return { status: 200, body, headers: etagOf(head) };
});
