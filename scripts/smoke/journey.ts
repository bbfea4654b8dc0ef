import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '../../shared/client.ts';
import type { Access } from './access.ts';

/** What one step says of itself when it is done. */
type Step = [name: string, run: () => Promise<string>];

const entry = '192.0.2.0/24';

/** Asks until it is so, for up to a minute: the way from a save to a shadow goes over a stream and a queue. */
const within = async <T>(what: string, look: () => Promise<T | null>): Promise<T> => {
  for (let left = 60; left > 0; left -= 1) {
    const seen = await look();
    if (seen !== null) return seen;
    await sleep(1000);
  }
  throw new Error(`After a minute ${what} is still not so.`);
};

const holds = (is: boolean, what: string): void => {
  if (!is) throw new Error(what);
};

const publishedRevision = async (
  api: Client,
  scannerId: string,
  revision: number,
): Promise<number | null> => {
  const sync = await api.call('GET /v1/scanners/{scannerId}/sync', { params: { scannerId } });
  const published = sync.publishedRevision ?? 0;
  return published >= revision ? published : null;
};

const writing = (api: Client, scannerId: string): Step[] => {
  const params = { scannerId };
  const list = { scannerId, list: 'inbound' as const };
  return [
    [
      'register',
      async () => {
        const body = { scannerId, description: 'Registered by the smoke journey, which decommissions it' };
        const { revision } = await api.call('POST /v1/scanners', { body, idempotencyKey: scannerId });
        return `${scannerId}, revision ${revision}`;
      },
    ],
    [
      'save settings',
      async () => {
        const body = {
          mailFiltering: 'inbound' as const,
          inbound: { ipv4: { address: '192.0.2.10', port: 25 } },
        };
        const { revision } = await api.call('PUT /v1/scanners/{scannerId}/smtp', { params, body });
        return `revision ${revision}`;
      },
    ],
    [
      'edit a list',
      async () => {
        const body = { entries: [{ value: entry, comment: 'smoke' }] };
        const route = 'POST /v1/scanners/{scannerId}/access-lists/{list}/entries';
        const { added, revision } = await api.call(route, { params: list, body });
        holds(added === 1, `${added} entries were added, and not 1.`);
        return `revision ${revision}`;
      },
    ],
  ];
};

const reading = (api: Client, scannerId: string): Step[] => {
  const params = { scannerId };
  return [
    [
      'read back',
      async () => {
        const settings = await api.call('GET /v1/scanners/{scannerId}/smtp', { params });
        const page = await api.call('GET /v1/scanners/{scannerId}/access-lists/{list}/entries', {
          params: { scannerId, list: 'inbound' },
          query: { page: 1 },
        });
        holds(page.items[0]?.value === entry, 'The list does not hold the entry that was added.');
        holds(settings.lists.inbound.entries === 1, 'The settings do not count the entry.');
        return `revision ${settings.revision}, with the entry`;
      },
    ],
    [
      'published',
      async () => {
        const { revision } = await api.call('GET /v1/scanners/{scannerId}/smtp', { params });
        const look = () => publishedRevision(api, scannerId, revision);
        return `revision ${await within('the shadow holds the settings', look)} is in the shadow`;
      },
    ],
  ];
};

const decommission = async (api: Client, scannerId: string): Promise<string> => {
  await api.call('DELETE /v1/scanners/{scannerId}', { params: { scannerId } });
  const { decommissionedAt } = await api.call('GET /v1/scanners/{scannerId}', { params: { scannerId } });
  holds(decommissionedAt !== undefined, 'The Scanner is not decommissioned.');
  return 'its history stays';
};

const perform = async ([name, run]: Step): Promise<void> => {
  const begun = performance.now();
  try {
    const said = await run();
    console.log(`  ok    ${name.padEnd(14)} ${said} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    console.log(`  FAIL  ${name.padEnd(14)} ${(error as Error).message}`);
    throw error;
  }
};

/** What was registered is decommissioned, also where a step failed. */
const withScanner = async (api: Client, scannerId: string): Promise<void> => {
  const [register, ...others] = writing(api, scannerId);
  if (register) await perform(register);
  try {
    for (const step of [...others, ...reading(api, scannerId)]) await perform(step);
  } finally {
    await perform(['decommission', () => decommission(api, scannerId)]);
  }
};

/**
 * The way of one Scanner through a deployment: a token, health, registration, settings, a list, the shadow, and out again. It leaves
 * history and nothing else. Answers 0, or 1 where a step failed, which it names.
 */
export const smoke = async ({ url, token }: Access): Promise<number> => {
  console.log(`Smoke journey through ${url}`);
  const scannerId = `smoke-${randomBytes(6).toString('hex')}`;
  let bearer = '';
  const api = createClient({ baseUrl: url, token: async () => bearer });
  try {
    await perform([
      'token',
      async () => {
        bearer = await token();
        return 'issued';
      },
    ]);
    await perform(['health', async () => (await api.call('GET /v1/health')).status]);
    await withScanner(api, scannerId);
    return 0;
  } catch {
    // The step has said what is wrong.
    return 1;
  }
};
