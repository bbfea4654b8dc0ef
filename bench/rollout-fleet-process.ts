import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { inParallel } from '../functions/lib/parallel.ts';
import { dynamo, tableName } from '../functions/stores/dynamo.ts';
import { changeConfiguration } from '../functions/stores/heads.ts';
import { build, writeEmptyList, writeList } from '../functions/stores/lists.ts';
import { readUnfinished } from '../functions/stores/rollout-targets.ts';
import { createScanner } from '../functions/stores/scanners.ts';
import { refreshStanding } from '../functions/stores/standing.ts';
import { putPresence, putPublished, putReport, putReported } from '../functions/stores/status.ts';
import { everyList } from '../shared/domain/configuration.ts';
import type { Unfinished } from '../shared/domain/rollout.ts';
import type { Report } from '../shared/domain/status.ts';
import type { ListReferences } from '../shared/schemas/lists.ts';
import { noTls, type SmtpSettings } from '../shared/schemas/smtp.ts';
import { keys } from '../shared/tables.ts';
import type { FleetMessage } from './rollout-fleet.ts';

const [, , count = '0'] = process.argv;
const tell = (message: FleetMessage) => process.send?.(message);
const source = 'source';
const epoch = 'e';
const asked = (requestId: string) => ({
  actor: { name: 'bench', requestId },
  operation: 'put-smtp',
  at: new Date(),
});

const settings = (accept: 'all' | 'listed'): SmtpSettings => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.1', port: 2525 }, ipv6: null, tls: noTls, accept },
});

const save = (scannerId: string, smtp: SmtpSettings, lists: ListReferences) =>
  changeConfiguration({
    scannerId,
    part: 'all',
    ...asked(`${scannerId}-save`),
    compute: async ({ configuration }) => ({
      configuration: { ...configuration, smtp, lists },
      result: null,
    }),
  });

/** Everything that a Scanner says when it runs a revision. */
const report = async (scannerId: string, revision: number, lists: ListReferences): Promise<void> => {
  const at = new Date();
  const status = { revision, code: 'applied' as const, at: at.toISOString() };
  const roots = Object.entries(lists).map(([name, { root }]) => [name, root] as const);
  const said: Report = {
    epoch,
    shadowVersion: revision,
    appliedRevision: revision,
    appliedRoots: Object.fromEntries(roots),
    appliedAt: at.toISOString(),
    lastReport: status,
  };
  await putReported(scannerId, { ...status, epoch, shadowVersion: revision }, at);
  await putReport(scannerId, said);
};

/** A Scanner that is registered, configured (revision 2), connected and in sync, as the stores write it. */
const enter = async (scannerId: string, smtp: SmtpSettings, lists: ListReferences): Promise<void> => {
  const at = new Date().toISOString();
  await createScanner({ scannerId, labels: {}, enabled: true, epoch }, lists, asked(`${scannerId}-new`));
  await save(scannerId, smtp, lists);
  await putPublished(scannerId, { epoch, revision: 2, shadowVersion: 2, at });
  const presence = { sessionIdentifier: 's', versionNumber: 1, connected: true, at, epoch };
  await putPresence(scannerId, presence, undefined);
  await report(scannerId, 2, lists);
  await refreshStanding(scannerId);
};

const isHistory = ({ sk }: Record<string, unknown>): boolean =>
  [keys.auditPrefix, keys.revisionPrefix, keys.reportedPrefix].some((prefix) =>
    String(sk).startsWith(prefix),
  );

/** The same items for many Scanners: what the stores wrote of one, under other ids. Without its history, which a rollout does not read. */
const copy = async (model: string, ids: readonly string[]): Promise<void> => {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: tableName(),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': keys.ofScanner(model) },
      ConsistentRead: true,
    }),
  );
  const text = JSON.stringify(Items.filter((item) => !isHistory(item)));
  const puts = ids.flatMap((id) =>
    (JSON.parse(text.replaceAll(model, id)) as Record<string, unknown>[]).map((Item) => ({
      PutRequest: { Item },
    })),
  );
  const batches = Array.from({ length: Math.ceil(puts.length / 25) }, (_, index) =>
    puts.slice(index * 25, index * 25 + 25),
  );
  const failures = await inParallel(batches, 4, async (batch) => {
    const { UnprocessedItems = {} } = await dynamo.send(
      new BatchWriteCommand({ RequestItems: { [tableName()]: batch } }),
    );
    if (Object.keys(UnprocessedItems).length > 0) throw new Error('a batch was left over');
  });
  if (failures[0]) throw failures[0].error;
};

const ids = Array.from({ length: Number(count) }, (_, index) => `s${String(index).padStart(6, '0')}`);
const empty = await writeEmptyList();
const none = everyList(empty);
const inbound = await writeList(build([{ value: '192.0.2.9', kind: 'ipv4', enabled: true }]));
const copied = { ...none, inbound };
await enter(source, settings('listed'), copied);
const [model = '', ...others] = ids;
await enter(model, settings('all'), none);
for (let from = 0; from < others.length; from += 500) await copy(model, others.slice(from, from + 500));
tell({ kind: 'ready', source });

/** Scanners that run whatever was committed for them, at once; each says so one time. */
const follow = async (rolloutId: string): Promise<never> => {
  const known = new Set<string>();
  for (;;) {
    const found = (await readUnfinished(rolloutId)).filter(({ scannerId }) => !known.has(scannerId));
    for (const { scannerId } of found) known.add(scannerId);
    const answer = ({ scannerId, toRevision }: Unfinished) => report(scannerId, toRevision, copied);
    const failures = await inParallel(found, 8, answer);
    if (failures[0]) throw failures[0].error;
    await sleep(20);
  }
};

process.on('message', (message: FleetMessage) => {
  if (message.kind === 'follow') void follow(message.rolloutId);
});
process.on('disconnect', () => process.exit(0));
