import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Client, createClient } from '../../shared/client.ts';
import type { AccessListName, ImportJob } from '../../shared/schemas/lists.ts';
import type { RolloutPlan } from '../../shared/schemas/rollouts.ts';
import type { Sync } from '../../shared/schemas/sync.ts';
import { bar, dim, progress, say, step, table } from './console.ts';
import { type Endpoints, type Running, startScanner } from './processes.ts';

const scanners = ['mx1', 'mx2'];

/** Where the tour runs, and the list that it takes along. */
export interface Tour {
  dir: string;
  list: string;
  endpoints: Endpoints;
  api: Client;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Waits for something that comes by itself; the tour fails after a minute and a half without it. */
const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
  const deadline = Date.now() + 90_000;
  while (Date.now() < deadline) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined) return seen;
    await pause();
  }
  throw new Error(`waited in vain for: ${what}`);
};

const syncOf = ({ api }: Tour, scannerId: string): Promise<Sync> =>
  api.call('GET /v1/scanners/{scannerId}/sync', { params: { scannerId } });

const inSync = (tour: Tour, id: string, revision: number): Promise<Sync> =>
  until(`${id} to run revision ${revision}`, async () => {
    const sync = await syncOf(tour, id);
    const condition = sync.conditions.find((one) => one.type === 'InSync');
    return sync.appliedRevision === revision && condition?.status === 'True' ? sync : undefined;
  });

const folderOf = (tour: Tour, id: string) => join(tour.dir, 'scanners', id);

const linesOf = (tour: Tour, id: string): number =>
  readFileSync(join(folderOf(tour, id), 'current', 'lists', 'inbound.txt'), 'utf8').split('\n').length - 1;

const saveSettings = async (tour: Tour): Promise<void> => {
  const rows: (string | number)[][] = [];
  for (const [index, id] of scanners.entries()) {
    const address = '127.0.0.1';
    const begun = performance.now();
    const { revision } = await tour.api.call('PUT /v1/scanners/{scannerId}/smtp', {
      params: { scannerId: id },
      body: {
        mailFiltering: 'inbound-and-outbound',
        inbound: { ipv4: { address, port: 2500 + index }, accept: 'all' },
        outbound: { ipv4: { address, port: 2600 + index } },
        authentication: { enabled: false },
      },
    });
    await inSync(tour, id, revision);
    rows.push([id, revision, `${Math.round(performance.now() - begun)} ms`]);
  }
  table(['Scanner', 'revision', 'from save to applied'], rows);
};

const client = (tour: Tour) => ({
  region: tour.endpoints.region,
  credentials: {
    accessKeyId: tour.endpoints.accessKeyId,
    secretAccessKey: tour.endpoints.secretAccessKey,
  },
});

/** Puts the file where anyone with the bucket can put one; the metadata says how it is to be taken. */
const dropList = async (tour: Tour, id: string, list: AccessListName): Promise<void> => {
  const s3 = new S3Client({ ...client(tour), endpoint: tour.endpoints.s3 });
  const key = `imports/${id}/${list}/${basename(tour.list)}`;
  await s3.send(
    new PutObjectCommand({
      Bucket: tour.endpoints.bucket,
      Key: key,
      Body: readFileSync(tour.list),
      Metadata: { 'on-invalid': 'skip', activate: 'true' },
    }),
  );
  s3.destroy();
  say(
    `s3://${tour.endpoints.bucket}/${key} ${dim(`${statSync(tour.list).size.toLocaleString('en')} bytes`)}`,
  );
};

/** The same import by the API's own way: a presigned form, whose policy caps the size. */
const uploadList = async (tour: Tour, id: string, list: AccessListName): Promise<string> => {
  const { importId, upload } = await tour.api.call(
    'POST /v1/scanners/{scannerId}/access-lists/{list}/imports',
    { params: { scannerId: id, list }, body: { onInvalid: 'skip', activate: true } },
  );
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append('file', new Blob([readFileSync(tour.list)]), basename(tour.list));
  const answer = await fetch(upload.url, { method: 'POST', body: form });
  if (!answer.ok) throw new Error(`the upload answered ${answer.status}: ${await answer.text()}`);
  say(`${importId}, up to ${upload.maxBytes.toLocaleString('en')} bytes`);
  return importId;
};

const watchImport = async (find: () => Promise<ImportJob | undefined>): Promise<ImportJob> => {
  const line = progress();
  const job = await until('the import to end', async () => {
    const seen = await find();
    if (!seen) return undefined;
    line.show(`${bar(seen.progress.bytesRead, seen.progress.bytesTotal)}  ${seen.state}`);
    return ['completed', 'failed', 'cancelled', 'awaiting-confirmation'].includes(seen.state)
      ? seen
      : undefined;
  });
  line.end();
  if (job.state !== 'completed')
    throw new Error(`the import ended ${job.state}: ${JSON.stringify(job.error)}`);
  table(
    ['tokens', 'added', 'duplicates', 'normalized', 'invalid'],
    [[job.counts.tokens, job.counts.added, job.counts.duplicates, job.counts.normalized, job.counts.invalid]],
  );
  if (job.problems.length > 0) showProblems(job);
  return job;
};

const showProblems = (job: ImportJob): void => {
  const shown = job.problems.slice(0, 8);
  say('what could not be taken:');
  table(
    ['line', 'column', 'token', 'code', 'instead'],
    shown.map((problem) => [
      problem.line,
      problem.column,
      problem.token.slice(0, 32),
      problem.code,
      problem.suggestion ?? '',
    ]),
  );
  if (job.problemsTotal > shown.length)
    say(dim(`and ${job.problemsTotal - shown.length} more, in the report`));
};

const newestImport = async ({ api }: Tour, scannerId: string): Promise<ImportJob | undefined> =>
  (await api.call('GET /v1/imports', { query: { scannerId } })).items[0];

const showShadow = async (tour: Tour, id: string): Promise<void> => {
  const iot = new IoTDataPlaneClient({ ...client(tour), endpoint: tour.endpoints.iotData });
  const { payload } = await iot.send(new GetThingShadowCommand({ thingName: id, shadowName: 'smtp' }));
  iot.destroy();
  const shadow = JSON.parse(Buffer.from(payload ?? []).toString('utf8')) as {
    state: unknown;
    version: number;
  };
  for (const line of JSON.stringify(shadow.state, null, 2).split('\n')) say(dim(line));
};

/** Shows what an edit moves: the objects that the Scanner fetched for it. */
const edit = async (tour: Tour, id: string): Promise<void> => {
  const cache = join(folderOf(tour, id), 'objects');
  const before = new Set(readdirSync(cache));
  const begun = performance.now();
  const { revision } = await tour.api.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
    params: { scannerId: id, list: 'inbound' },
    body: { entries: [{ value: '203.0.113.77', comment: 'the new relay' }] },
  });
  await inSync(tour, id, revision);
  const applied = Math.round(performance.now() - begun);
  const fetched = readdirSync(cache).filter((name) => !before.has(name));
  const bytes = fetched.reduce((sum, name) => sum + statSync(join(cache, name)).size, 0);
  say(`203.0.113.77 added: revision ${revision} applied after ${applied} ms`);
  say(
    `${fetched.length} objects fetched (the changed chunk and the manifest), ${bytes.toLocaleString('en')} bytes of text`,
  );
};

/** All steps after the stack is there. What it starts is added to `running`, for the caller to stop. */
export const tourOf = async (options: Omit<Tour, 'api'>, running: Running[]): Promise<void> => {
  const { api, token } = options.endpoints;
  const tour = { ...options, api: createClient({ baseUrl: api, token }) };
  await step('Two Scanners register, enrol with a certificate request and connect', async () => {
    for (const id of scanners) running.push(startScanner(tour.dir, id));
    for (const id of scanners)
      await until(`${id} to connect`, async () => ((await syncOf(tour, id)).connected ? true : undefined));
    say(`${scanners.join(' and ')}, over MQTT with mutual TLS`);
  });
  await step('SMTP settings are saved and arrive', () => saveSettings(tour));
  const dropped = await step('A list is dropped into the bucket for mx1', async () => {
    await dropList(tour, 'mx1', 'inbound');
    return watchImport(() => newestImport(tour, 'mx1'));
  });
  await step('mx1 fetches the chunks it lacks, verifies and applies them', async () => {
    await inSync(tour, 'mx1', dropped.revision ?? 0);
    say(
      `${linesOf(tour, 'mx1').toLocaleString('en')} entries in ${join(folderOf(tour, 'mx1'), 'current', 'lists', 'inbound.txt')}`,
    );
  });
  await step('The shadow names the list by its root; no entry travels in it', () => showShadow(tour, 'mx1'));
  await step('One entry is added', () => edit(tour, 'mx1'));
  await step('mx2 gets the same list by a presigned upload', async () => {
    const importId = await uploadList(tour, 'mx2', 'inbound');
    const job = await watchImport(() =>
      tour.api.call('GET /v1/imports/{importId}', { params: { importId } }),
    );
    await inSync(tour, 'mx2', job.revision ?? 0);
    say(`${linesOf(tour, 'mx2').toLocaleString('en')} entries on mx2`);
  });
  await step('What mx1 has is rolled out to all others; each keeps its own addresses and ports', () =>
    rollOut(tour, 'mx1'),
  );
  await step('Who runs what', () => showFleet(tour));
};

/** Says first what would become of each target, then does it, and waits until all is settled. */
const rollOut = async (tour: Tour, source: string): Promise<void> => {
  const body = { source, targets: 'all' as const };
  const { targets } = (await tour.api.call('POST /v1/rollouts', {
    body,
    query: { dryRun: 'true' },
  })) as RolloutPlan;
  table(
    ['target', 'would be', 'for'],
    targets.items.map(({ scannerId, outcome, changes, reason }) => [
      scannerId,
      outcome === 'pending' ? 'changed' : outcome,
      changes ?? reason ?? '',
    ]),
  );
  const { rolloutId } = await tour.api.call('POST /v1/rollouts', { body });
  const params = { rolloutId };
  const { state, counts } = await until('the rollout to end', async () => {
    const seen = await tour.api.call('GET /v1/rollouts/{rolloutId}', { params });
    return seen.state === 'running' ? undefined : seen;
  });
  const { items } = await tour.api.call('GET /v1/rollouts/{rolloutId}/targets', { params });
  say(`${rolloutId}: ${state}, ${counts.applied} of ${counts.targets} applied`);
  table(
    ['target', 'outcome', 'from revision', 'to revision'],
    items.map(({ scannerId, outcome, fromRevision, toRevision }) => [
      scannerId,
      outcome,
      fromRevision ?? '-',
      toRevision ?? '-',
    ]),
  );
  if (state !== 'completed' || counts.applied !== counts.targets)
    throw new Error(`the rollout ended ${state}: ${JSON.stringify(counts)}`);
};

const showFleet = async (tour: Tour): Promise<void> => {
  const rows: (string | number)[][] = [];
  for (const id of scanners) {
    const sync = await syncOf(tour, id);
    const conditions = sync.conditions.filter((one) => one.status === 'True').map((one) => one.type);
    rows.push([
      id,
      sync.desiredRevision,
      sync.publishedRevision ?? '-',
      sync.appliedRevision ?? '-',
      conditions.join(' '),
    ]);
  }
  table(['Scanner', 'desired', 'published', 'applied', 'true conditions'], rows);
};
