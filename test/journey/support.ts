import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ImportJob } from '../../shared/schemas/lists.ts';
import type { Sync } from '../../shared/schemas/sync.ts';
import type { StackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

/** The list that the repository holds, and what an independent implementation makes of it. */
export const sample = {
  text: readFileSync('samples/partner-networks.txt'),
  expected: readFileSync('test/data/partner-networks.expected', 'utf8'),
  entries: 12_251,
  mistakes: 6,
};

/** Settings that any Scanner takes: inbound only, everyone may connect. */
export const inboundSettings = (port = 25, accept: 'all' | 'listed' = 'all') => ({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '127.0.0.1', port }, ipv6: null, accept },
});

export const s3Of = (stack: StackProcess): S3Client =>
  new S3Client({
    endpoint: stack.endpoints.s3,
    region: stack.endpoints.region,
    credentials: {
      accessKeyId: stack.endpoints.accessKeyId,
      secretAccessKey: stack.endpoints.secretAccessKey,
    },
  });

/** Drops a file for a list, with how it is to be imported as object metadata; answers the version id. */
export const drop = async (
  stack: StackProcess,
  target: string,
  body: Uint8Array | string,
  metadata: Record<string, string> = {},
): Promise<string> => {
  const s3 = s3Of(stack);
  const put = new PutObjectCommand({
    Bucket: stack.endpoints.bucket,
    Key: `imports/${target}`,
    Body: body,
    Metadata: metadata,
  });
  const answer = await s3.send(put);
  s3.destroy();
  return answer.VersionId ?? '';
};

export const register = async (stack: StackProcess, scannerId: string): Promise<void> => {
  const answer = await stack.call('POST', '/scanners', { scannerId });
  if (answer.status !== 201) throw new Error(`register: ${answer.status} ${JSON.stringify(answer.body)}`);
};

/** Waits until a Scanner that registers itself has done so. */
export const registered = (stack: StackProcess, scannerId: string): Promise<true> =>
  until(
    `${scannerId} is registered`,
    async () => (await stack.call('GET', `/scanners/${scannerId}`)).status === 200 || undefined,
  );

export const save = async (stack: StackProcess, scannerId: string, settings: unknown): Promise<number> => {
  const answer = await stack.call('PUT', `/scanners/${scannerId}/smtp`, settings);
  if (answer.status !== 200) throw new Error(`save: ${answer.status} ${JSON.stringify(answer.body)}`);
  return (answer.body as { revision: number }).revision;
};

const ends = ['completed', 'failed', 'cancelled', 'awaiting-confirmation'];

/** Imports of a Scanner, newest first. */
export const imports = async (stack: StackProcess, scannerId: string): Promise<ImportJob[]> => {
  const answer = await stack.call('GET', `/imports?scannerId=${scannerId}`);
  return (answer.body as { items: ImportJob[] }).items;
};

/** Waits until the newest import of a Scanner (or the one named) has ended. */
export const importEnded = (stack: StackProcess, scannerId: string, importId?: string): Promise<ImportJob> =>
  until(`an import of ${scannerId} ends`, async () => {
    const jobs = await imports(stack, scannerId);
    const job = importId === undefined ? jobs[0] : jobs.find((one) => one.importId === importId);
    return job && ends.includes(job.state) ? job : undefined;
  });

/** Drops a file and waits until the import that it makes has ended. */
export const dropAndImport = async (...args: Parameters<typeof drop>): Promise<ImportJob> => {
  const [stack, target] = args;
  const versionId = await drop(...args);
  const [scannerId = ''] = target.split('/');
  return until(`the import of ${target} ends`, async () => {
    const job = (await imports(stack, scannerId)).find((one) => one.source.versionId === versionId);
    return job && ends.includes(job.state) ? job : undefined;
  });
};

export const sync = async (stack: StackProcess, scannerId: string): Promise<Sync> =>
  (await stack.call('GET', `/scanners/${scannerId}/sync`)).body as Sync;

export const conditionOf = (state: Sync, type: string) => state.conditions.find((one) => one.type === type);

/** Waits until the Scanner says that it runs the desired revision with its roots. */
export const inSync = (stack: StackProcess, scannerId: string, revision?: number): Promise<Sync> =>
  until(`${scannerId} is in sync`, async () => {
    const state = await sync(stack, scannerId);
    const right = revision === undefined || state.appliedRevision === revision;
    return right && conditionOf(state, 'InSync')?.status === 'True' ? state : undefined;
  });

/** All values of a list, by the cursor walk of the API. */
export const walk = async (stack: StackProcess, scannerId: string, list: string): Promise<string[]> => {
  const values: string[] = [];
  let cursor: string | undefined = '';
  while (cursor !== undefined) {
    const path = `/scanners/${scannerId}/access-lists/${list}/entries?pageSize=1000&cursor=${encodeURIComponent(cursor)}`;
    const answer = await stack.call('GET', path);
    const page = answer.body as { items: { value: string }[]; nextCursor?: string };
    values.push(...page.items.map((item) => item.value));
    cursor = page.nextCursor;
  }
  return values;
};

/** Files of a Scanner's folder, for tests that look at what it keeps. */
export const scannerFile = (dir: string, ...path: string[]): string =>
  readFileSync(join(dir, ...path), 'utf8');
