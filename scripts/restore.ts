import { runCommand, UsageError } from '../local/command.ts';
import { clientVariables, readEndpoints } from './embedded.ts';
import { explaining } from './explaining.ts';
import { progressOn } from './fsck/print.ts';
import { outcomeJson, outcomeText } from './restore/print.ts';
import { restoreAll } from './restore/run.ts';

const usage = `Restores what the table has lost, from the table that a point-in-time recovery has made. docs/restore.md has the whole procedure.

  npm run restore -- --from T                           into the embedded stack that runs here (state in .local)
  npm run restore -- --from T --data DIR                into the one that keeps its state in DIR
  npm run restore -- --from T --table L --bucket B      into a deployment, with the account and region of the environment
  npm run restore -- --from T --history-days N          as many days as the deployment keeps history (its parameter HistoryDays); 0, for ever, unless given
  npm run restore -- --from T --dry-run                 only says what it would do
  npm run restore -- --from T --json                    the outcome as JSON on standard output

Each item that the recovered table has and the live one lacks is put, on the condition that there is still none: what is there, and newer, is never changed.
Revisions that the recovery does not have either are made from their audit records; a head that is missing or unreadable is that of the newest revision
that can be read, and no revision number is used twice. Users, counts (also those of rollouts), names, looks and standings are made from what is there
then. What was deleted on purpose since is left out, and so is what is past its time to live. Imports that were under way are cancelled, and rollouts halted.

Then objects that anything names and that were deleted are stored again from their last intact version, and what "npm run fsck" checks is checked.
The Scanners concerned are looked at within a minute.

It may be interrupted and run again, and run while the API is in use.

Ends with 0 when all is well afterwards (dry: when it could be worked out), with 1 when something is still wrong or it failed, with 2 when it is called wrongly.
`;

const options = {
  from: { type: 'string' },
  data: { type: 'string', default: '.local' },
  table: { type: 'string' },
  bucket: { type: 'string' },
  'history-days': { type: 'string', default: '0' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface Asked {
  data: string;
  table?: string | undefined;
  bucket?: string | undefined;
  'history-days': string;
}

const placeOf = ({ data, table, bucket }: Asked): Record<string, string> => {
  if ((table === undefined) !== (bucket === undefined))
    throw new UsageError('A deployment is named by both --table and --bucket.');
  if (table !== undefined && bucket !== undefined) return { TABLE_NAME: table, BUCKET_NAME: bucket };
  const endpoints = readEndpoints(data);
  return {
    ...clientVariables(endpoints),
    TABLE_NAME: endpoints['table'] ?? '',
    BUCKET_NAME: endpoints['bucket'] ?? '',
  };
};

const variablesOf = (asked: Asked): Record<string, string> => {
  const days = asked['history-days'];
  if (!/^(0|[1-9]\d{0,4})$/.test(days)) throw new UsageError('--history-days takes a number of days.');
  return { ...placeOf(asked), HISTORY_DAYS: days };
};

await runCommand({ usage, options }, async (values) => {
  const { from } = values;
  if (from === undefined) throw new UsageError('--from names the table that the recovery has made.');
  const variables = variablesOf(values);
  if (from === variables['TABLE_NAME']) throw new UsageError('--from is the live table itself.');
  Object.assign(process.env, variables);
  const dryRun = values['dry-run'];
  const progress = progressOn((text) => process.stderr.write(text), Date.now);
  const done = await explaining(() =>
    restoreAll({ from, dryRun, startedAt: new Date(), now: () => new Date(), progress }),
  );
  console.log(values.json ? JSON.stringify(outcomeJson(done), null, 2) : outcomeText(done, dryRun));
  return done.findings.length > 0 && !dryRun ? 1 : 0;
});
