import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declaredTemplate } from '../../../local/declared.ts';
import { startDynamo } from '../../../local/dynamodb.ts';
import type { StackModel } from '../../../local/model.ts';
import { freePort } from '../../../local/ports.ts';
import { startS3 } from '../../../local/s3/server.ts';
import { openState } from '../../../local/state.ts';
import { readTemplate } from '../../../local/template.ts';
import { everyList } from '../../../shared/domain/configuration.ts';

const region = 'eu-west-1';
const accountId = '000000000000';
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret/of+the=stack' };

/** True when the stores are to be held to a real account: TABLE_NAME and BUCKET_NAME name what was deployed there. */
const remote = process.env['REMOTE'] === '1';

const declared = async (): Promise<StackModel> =>
  readTemplate(await declaredTemplate(), {
    region,
    accountId,
    name: 'stores',
    parameters: { Issuer: 'https://issuer.example.com', MqttServerCa: 'c' },
  });

/**
 * The table and the bucket that `infra/` declares, on the embedded services, and the variables that a function would find. Answers how
 * to end them. Must run before a store is imported: clients read the variables when they are made.
 */
export const startServices = async (): Promise<() => Promise<void>> => {
  if (remote) return async () => undefined;
  const dir = mkdtempSync(join(tmpdir(), 'stores-'));
  const { table, buckets } = await declared();
  const dynamo = await startDynamo({ dir, port: await freePort(), table, region, credentials });
  const state = openState(dir);
  const s3 = await startS3({ state, port: 0, region, credentials, buckets, emit: () => undefined });
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    TABLE_NAME: table.name,
    BUCKET_NAME: buckets[0]?.name,
    HISTORY_DAYS: '0',
    RECONCILE_MINUTES: '60',
    ROLLOUT_RATE: '100',
    SHADOW_RATE: '2000',
    THING_RATE: '20',
  });
  return async () => {
    await s3.close();
    await dynamo.close();
    state.close();
    rmSync(dir, { recursive: true, force: true });
  };
};

/** An id that no other test of this or of another run has. */
export const newId = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 13)}`;

/** A list of which nobody asks what is in it. */
export const emptyReference = { root: 'a'.repeat(64), entries: 0, enabled: 0 };

/** Such lists, as a registration has them. */
export const emptyLists = everyList(emptyReference);
