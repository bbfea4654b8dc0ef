import { runCommand, UsageError } from '../local/command.ts';
import { clientVariables, readEndpoints } from './embedded.ts';
import { explaining } from './explaining.ts';
import { checkAll } from './fsck/check.ts';
import type { Found, Report } from './fsck/found.ts';
import { checkedLine, progressOn, tableOf } from './fsck/print.ts';
import { loadStores } from './fsck/stores.ts';

const usage = `Checks that table and bucket agree: walks every revision, list and chunk, and reads every byte of them.

  npm run fsck                            the embedded stack that runs here (state in .local)
  npm run fsck -- --data DIR              the one that keeps its state in DIR
  npm run fsck -- --table T --bucket B    a deployment, with the account and region of the environment
  npm run fsck -- --json                  the report as JSON on standard output
  npm run fsck -- --repair                mends what can be mended safely

It finds objects that are named and not there (dangling), whose bytes, counts, order or form are not what they should be (corrupt), that nobody
names (orphaned; the sweep takes them away in time), items that contradict each other (inconsistent), as the counts of a rollout and its targets,
and imports that nobody works on (lost).
Of certificates, directory sources and client authorities it reads the texts with their secrets, and prints nothing of them: names of
Scanners, of members and of fields at most.

--repair stores an intact earlier version of a dangling or corrupt object again (one with secrets only while it is still named), and bindings
of domains from the settings that name them; deletes orphaned objects of lists and bindings that are more than a day old by version id, as the
sweep does, while every list can be read and the check is less than a day old; sends lost imports to a worker; makes the counts of a rollout
say what its targets have come to; makes the look or the standing that a Scanner lacks, and has what a decommission left cleared away.

Whatever else is inconsistent, and an orphaned object with secrets, is only reported. No revision, no head, no user and no count of users is changed:
what has no intact version is for a person, who restores an earlier revision, imports the list or stores the certificate again.

Ends with 0 when all is well, with 1 when there are findings (also repaired ones) or it failed, with 2 when it is called wrongly.
`;

const options = {
  data: { type: 'string', default: '.local' },
  table: { type: 'string' },
  bucket: { type: 'string' },
  json: { type: 'boolean', default: false },
  repair: { type: 'boolean', default: false },
} as const;

interface Place {
  data: string;
  table?: string | undefined;
  bucket?: string | undefined;
}

/** Variables by which the stores find the embedded stack; from `endpoints.json`, which it writes when it is ready. */
const embedded = (dir: string): Record<string, string> => {
  const endpoints = readEndpoints(dir);
  return {
    ...clientVariables(endpoints),
    TABLE_NAME: endpoints['table'] ?? '',
    BUCKET_NAME: endpoints['bucket'] ?? '',
  };
};

const variablesOf = ({ data, table, bucket }: Place): Record<string, string> => {
  if ((table === undefined) !== (bucket === undefined))
    throw new UsageError('A deployment is named by both --table and --bucket.');
  return table === undefined || bucket === undefined
    ? embedded(data)
    : { TABLE_NAME: table, BUCKET_NAME: bucket };
};

/** Mends what can be; answers the findings with what became of them. */
const repair = async (findings: readonly Found[]): Promise<(Found & { repaired: boolean })[]> => {
  const done = [];
  for (const finding of findings) {
    const repaired = (await finding.mend?.()) ?? false;
    done.push({ ...finding, repaired });
  }
  return done;
};

const print = ({ checked, findings }: Report, repaired: number | undefined): void => {
  console.log(checkedLine(checked));
  if (findings.length === 0) {
    console.log('Everything is as it should be.');
    return;
  }
  console.log(`\n${tableOf(findings)}\n`);
  const mendable = findings.filter(({ mend }) => mend).length;
  if (repaired === undefined)
    console.log(`${findings.length} findings; --repair would mend ${mendable} of them.`);
  else console.log(`${findings.length} findings; ${repaired} mended. Check again to see that all is well.`);
};

await runCommand({ usage, options }, async (values) => {
  Object.assign(process.env, variablesOf(values));
  await loadStores();
  const progress = progressOn((text) => process.stderr.write(text), Date.now);
  const report = await explaining(() => checkAll({ startedAt: new Date(), now: () => new Date(), progress }));
  const repaired = values.repair ? await repair(report.findings) : undefined;
  const findings = repaired ?? report.findings;
  if (values.json)
    console.log(
      JSON.stringify(
        { checked: report.checked, findings },
        (key, value) => (key === 'mend' ? undefined : value),
        2,
      ),
    );
  else print(report, repaired?.filter((finding) => finding.repaired).length);
  return findings.length > 0 ? 1 : 0;
});
