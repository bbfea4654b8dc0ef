import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MailHost, openSession, startHost, visit } from '../../../bench/mail-clients.ts';
import { account, startSenders } from '../../../bench/mail-senders.ts';
import { writeNetworks } from '../../../bench/networks.ts';
import {
  allIn,
  changeOf,
  configure,
  limit,
  listedOnly,
  openScene,
  type Scene,
  sendersAt,
  stranger,
  timeOf,
} from '../../../bench/postfix-changes.ts';
import { createClient } from '../../../shared/client.ts';
import { type ScannerProcess, startScannerProcess } from '../../helpers/scanner.ts';
import { type StackProcess, startStackProcess } from '../../helpers/stack.ts';
import { until } from '../../helpers/until.ts';
import { endAll, lacking } from '../../stack/scanner/postfix/world.ts';
import { drop, registered } from '../support.ts';

/** `POSTFIX_CHANGES=1000 npx vitest run --project journey mail-flows` */
const changes = Number(process.env['POSTFIX_CHANGES'] ?? 100);
const networks = 1_000_000;
const scannerId = 'mx1';

let stack: StackProcess;
let scanner: ScannerProcess;
const hosts: MailHost[] = [];
let scene: Scene;
let hostId: string;

describe.skipIf(lacking !== '')(`while mail flows${lacking && ` (${lacking})`}`, () => {
  beforeAll(async () => {
    stack = await startStackProcess();
    scanner = startScannerProcess(stack.dir, scannerId, ['--mta', 'postfix']);
    hosts.push(await startHost(), await startHost());
    await registered(stack, scannerId);
    scene = await openScene({
      client: createClient({ baseUrl: stack.endpoints.api, token: stack.endpoints.token }),
      scannerId,
      hosts: [hosts[0] as MailHost, hosts[1] as MailHost],
    });
    hostId = await configure(scene);
  });

  afterAll(async () => {
    await scanner?.stop();
    if (scanner) await endAll(scanner.dir);
    await stack?.stop();
    for (const host of hosts) await host.close();
  });

  it(`${changes} changes and a list of a million networks, from the API to what clients are told, lose no message that was taken and refuse no session`, {
    timeout: 240_000 + changes * 10_000,
  }, async () => {
    const file = join(stack.dir, 'networks.txt');
    const flow = startSenders(scene.ports.inbound, sendersAt, { pauseMs: 30 });

    for (let number = 0; number < changes; number++)
      await timeOf(changeOf(scene, number, { hostId, flow }), { everyMs: 40 });
    await timeOf(allIn(scene));
    await writeNetworks(file, networks);
    const before = flow.begun();
    await drop(stack, `${scannerId}/inbound/networks.txt`, readFileSync(file), { activate: 'true' });
    await until('a stranger is refused by the list', listedOnly(scene).isSeen, { seconds: 300 });
    const during = flow.begun() - before;
    const { taken, refused } = await flow.stop();

    expect(refused).toEqual([]);
    expect(taken.length).toBeGreaterThan(changes);
    expect(during).toBeGreaterThan(10);
    const accountNow = () =>
      account(
        taken,
        hosts.flatMap(({ arrived }) => arrived),
      );
    await until('all that was taken has arrived', () => accountNow().lost.length === 0, { seconds: 100 });
    expect(accountNow()).toEqual({ lost: [], twice: [], untold: [] });
  });

  it('a session goes on by the rules that it began with, whatever changes meanwhile', async () => {
    await timeOf(allIn(scene));
    const session = await openSession({ port: scene.ports.inbound, from: '127.99.9.8' });
    await timeOf(listedOnly(scene));
    for (const round of [2001, 2002, 2003]) await timeOf(limit(scene, round));
    expect(await session.send()).toMatch(/^250 /);
    session.close();
    expect(await visit({ port: scene.ports.inbound, from: stranger })).toMatch(/^CONN: 554 /);
  });
});
