import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../shared/schemas/hosts.ts';
import { type ScannerProcess, startScannerProcess } from '../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { inSync, registered } from './support.ts';

let stack: StackProcess;
let scanner: ScannerProcess;
beforeAll(async () => {
  stack = await startStackProcess();
  scanner = startScannerProcess(stack.dir, 'mx1');
  await registered(stack, 'mx1');
});
afterAll(async () => {
  await scanner?.stop();
  await stack?.stop();
});

const lists = '/scanners/mx1/host-lists';
const add = (list: string, host: object) => stack.call('POST', `${lists}/${list}/hosts`, host);
const hostsOf = async (list: string) =>
  (await stack.call('GET', `${lists}/${list}`)).body as { items: Host[]; nextCursor?: string };
const settings = (nonLocalDelivery: string) => ({
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: { address: '127.0.0.1', port: 25 } },
  outbound: { ipv4: { address: '127.0.0.1', port: 26 }, nonLocalDelivery },
});
const save = (nonLocalDelivery: string) =>
  stack.call('PUT', '/scanners/mx1/smtp', settings(nonLocalDelivery));

describe('host lists', () => {
  let hub: Host;

  it('are empty at first: inbound mail is warned of, relaying refused', async () => {
    expect(await save('relay')).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/outbound/nonLocalDelivery', code: 'RELAY_HOSTS_REQUIRED' }] },
    });
    const saved = await save('mx');
    expect(saved).toMatchObject({ status: 200 });
    expect((saved.body as { warnings: { code: string }[] }).warnings.map(({ code }) => code)).toContain(
      'LOCAL_DELIVERY_EMPTY',
    );
  });

  it('take hosts, in the order of their preference', async () => {
    const first = await add('relay', { host: 'Relay2.example.com', preference: 20, mxLookup: true });
    const second = await add('relay', { host: '198.51.100.7', port: 2525 });
    await add('local-delivery', { host: 'mailhub' });

    expect(first).toMatchObject({ status: 200, body: { host: { host: 'relay2.example.com', port: 25 } } });
    hub = (second.body as { host: Host }).host;
    expect((await hostsOf('relay')).items.map(({ host, port }) => `${host}:${port}`)).toEqual([
      '198.51.100.7:2525',
      'relay2.example.com:25',
    ]);
  });

  it('reach the Scanner with the mode that uses them', async () => {
    const { body } = await save('relay');
    await inSync(stack, 'mx1', (body as { revision: number }).revision);

    expect(scanner.list('relay')).toBe(
      `10 198.51.100.7 2525 a ${hub.hostId}\n20 relay2.example.com 25 mx ${(await hostsOf('relay')).items[1]?.hostId}\n`,
    );
    expect(scanner.list('local-delivery')).toMatch(/^10 mailhub 25 a host-[0-9a-f]{16}\n$/);
  });

  it('refuse what cannot be a host, with its own code, and what is there already', async () => {
    expect(await add('relay', { host: '2001:db8::1' })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/host', code: 'IPV6_NOT_SUPPORTED' }] },
    });
    expect(await add('relay', { host: '198.51.100.7', port: 2525, preference: 1 })).toMatchObject({
      status: 409,
      body: { code: 'HOST_EXISTS' },
    });
    expect((await add('elsewhere', { host: 'mx' })).status).toBe(422);
    expect((await hostsOf('relay')).items).toHaveLength(2);
  });

  it('let a host be changed in its place, and removed', async () => {
    const path = `${lists}/relay/hosts/${hub.hostId}`;
    expect(await stack.call('PUT', path, { host: '198.51.100.8', preference: 30 })).toMatchObject({
      status: 200,
      body: { host: { hostId: hub.hostId, host: '198.51.100.8', port: 25, preference: 30 } },
    });
    expect((await hostsOf('relay')).items.map(({ host }) => host)).toEqual([
      'relay2.example.com',
      '198.51.100.8',
    ]);
    expect((await stack.call('DELETE', path)).status).toBe(200);
    expect((await stack.call('DELETE', path)).status).toBe(404);
    expect((await stack.call('PUT', path, { host: 'mx' })).status).toBe(404);
  });

  it('keep the last relay host while mail is relayed', async () => {
    const [last] = (await hostsOf('relay')).items;
    const path = `${lists}/relay/hosts/${last?.hostId}`;

    expect(await stack.call('DELETE', path)).toMatchObject({
      status: 409,
      body: { code: 'RELAY_HOSTS_REQUIRED' },
    });
    await save('mx');
    expect((await stack.call('DELETE', path)).status).toBe(200);
  });

  it('hold as many as there are, and are walked in one revision', async () => {
    for (let from = 0; from < 60; from += 12)
      for (let index = from; index < from + 12; index++)
        expect((await add('local-delivery', { host: `hub${index}`, preference: index })).status).toBe(200);
    const names: string[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: { items: Host[]; nextCursor?: string } = (
        await stack.call('GET', `${lists}/local-delivery?limit=25&cursor=${encodeURIComponent(cursor)}`)
      ).body as never;
      names.push(...page.items.map(({ host }) => host));
      cursor = page.nextCursor;
    }
    expect(names).toHaveLength(61);
    expect(new Set(names).size).toBe(61);
  });

  it('are part of the history: differences say which hosts came and went', async () => {
    const { revision } = (await stack.call('GET', '/scanners/mx1')).body as { revision: number };
    expect((await stack.call('GET', `/scanners/mx1/revisions/${revision}/diff`)).body).toMatchObject({
      lists: {
        'local-delivery': { added: 1, removed: 0, changed: 0, items: [{ after: { host: 'hub59' } }] },
      },
    });
  });
});
