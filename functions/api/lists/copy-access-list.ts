import { relayVerdict } from '../../../shared/domain/access-lists.ts';
import type { Head } from '../../../shared/domain/configuration.ts';
import type { Touched } from '../../../shared/domain/lists/local-edit.ts';
import type { Warning } from '../../../shared/errors.ts';
import { copyAccessList as operation } from '../../../shared/operations/copy-access-list.ts';
import type { ListReference } from '../../../shared/schemas/lists.ts';
import { type Call, httpStack } from '../../lib/http.ts';
import type { Change } from '../../stores/heads.ts';
import { readHead } from '../../stores/heads.ts';
import { openedBy } from '../../stores/lists.ts';
import { acknowledgedBy, writeConfiguration } from '../write.ts';
import { judged } from './edit-list.ts';

type Copy = Call<typeof operation>;

interface Result {
  reference: ListReference;
  warnings: Warning[];
}

const fromBody = (touched: readonly Touched[]): Map<string, string> =>
  new Map(touched.map(({ value }) => [value, '/from']));

/** The list of the other Scanner as it is now: its root is named by a head, so all of it is stored and stays. */
const copied = async (call: Copy, present: Head): Promise<Change<Result>> => {
  const { list } = call.params;
  const source = await readHead(call.body.from);
  const reference = source.configuration.lists[list];
  const touched = await openedBy(present.configuration.lists[list].root, reference.root);
  const relay = relayVerdict(list, touched, fromBody(touched), acknowledgedBy(call));
  const { next, warnings } = judged(call, present, reference, relay);
  const { entries, enabled } = reference;
  return { configuration: next, audit: { counts: { entries, enabled } }, result: { reference, warnings } };
};

export const copyAccessList = httpStack(operation, (call) =>
  writeConfiguration<Result>(call, {
    operation: operation.id,
    part: `lists.${call.params.list}`,
    compute: (present) => copied(call, present),
    body: (head, { reference, warnings }) => ({ revision: head.revision, ...reference, warnings }),
  }),
);
