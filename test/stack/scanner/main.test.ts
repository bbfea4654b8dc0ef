import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
} from '@aws-sdk/client-iot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../../scanner/command-line.ts';
import { until } from '../../contract/iot/embedded.ts';
import { desired } from '../../unit/scanner/documents.ts';
import { emptyFolder, inForce } from '../../unit/scanner/folder.ts';
import { enabledOf, listOf, objectsOf } from '../../unit/scanner/lists-of.ts';
import { type Fleet, said, startFleet } from './fleet.ts';
import { lacking, openFolder } from './postfix/world.ts';

let fleet: Fleet;
let api: { url: string; close(): void };
/** Overrules every answer of the API. */
let status: number | undefined;

const enrol = async (thingName: string, csr: string) => {
  const { iot } = fleet.iot;
  const certificate = await iot.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
  );
  const principal = certificate.certificateArn ?? '';
  await iot.send(new CreateThingCommand({ thingName }));
  await iot.send(new AttachPolicyCommand({ policyName: 'scanner', target: principal }));
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal }));
  const caPem = readFileSync(fleet.iot.caPath, 'utf8');
  return { certificatePem: certificate.certificatePem, caPem, mqtt: fleet.iot.mqtt, thingName };
};

/** The calls of the API that a Scanner makes, over the real registry. */
const startApi = async () => {
  const registered = new Set<string>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const [, , id = '', certificates] = (request.url ?? '').split('/');
    const send = (code: number, answer: object) => response.writeHead(code).end(JSON.stringify(answer));
    if (status) return send(status, { message: 'said no' });
    if (request.method === 'GET') return send(registered.has(id) ? 200 : 404, {});
    if (certificates) return send(201, await enrol(id, JSON.parse(body).csr));
    registered.add(JSON.parse(body).scannerId);
    return send(201, {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
};

/** A Scanner as its own process, as `npm run scanner` starts it. It does not outlive the test. */
const start = (...args: string[]) => {
  const child: ChildProcess = spawn(process.execPath, ['scanner/main.ts', ...args]);
  // Not `exit`, by which not all that it said may have come.
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await exited)[0];
  };
  onTestFinished(async () => {
    await kill('SIGKILL');
  });
  const says = (pattern: RegExp) =>
    until(`the Scanner says ${pattern}`, () => {
      if (!pattern.test(output)) throw new Error(output);
      return true;
    });
  return { exited: exited.then(([code]) => code), output: () => output, kill, says };
};

let data: string;
let id: string;
let count = 0;

beforeAll(async () => {
  fleet = await startFleet();
  api = await startApi();
});
afterAll(async () => {
  api?.close();
  await fleet?.close();
});
beforeEach(() => {
  status = undefined;
  count += 1;
  id = `mx${count}`;
  data = emptyFolder();
  const { mqtt } = fleet.iot;
  writeFileSync(join(data, 'endpoints.json'), JSON.stringify({ api: api.url, token: 't', mqtt }));
});
afterEach(() => fleet.hold(false));

const startHere = (...more: string[]) => start('--id', id, '--data', data, ...more);

const wanting = (size: number, revision: number) => {
  const list = listOf(size);
  for (const [hash, text] of objectsOf(list)) fleet.objects.set(hash, text);
  return desired({ revision, lists: { inbound: { root: list.root, entries: list.manifest.entries } } });
};

describe('the process of a Scanner', () => {
  it('registers, enrols, connects, applies, says so, and ends with 0 on SIGTERM', async () => {
    await fleet.desire(id, wanting(3000, 2));
    const scanner = startHere();

    await said(fleet, id, { code: 'applied', revision: 2 });

    expect(inForce(join(data, 'scanners', id))?.lists).toEqual({ 'inbound.txt': enabledOf(listOf(3000)) });
    expect(statSync(join(data, 'scanners', id, 'private-key.pem')).mode & 0o777).toBe(0o600);
    await scanner.says(/^\d{4}-\d\d-\d\dT[\d:.]+Z applied revision 2 /m);
    expect(await scanner.kill('SIGTERM')).toBe(exitCodes.stopped);
    const order = [
      'registered',
      'enrolled',
      'runs no configuration',
      'connected',
      'applied',
      'stops on SIGTERM',
    ];
    expect(scanner.output()).toMatch(new RegExp(order.join('[^]*')));
  });

  it('started again needs no API, and applies nothing twice', async () => {
    await fleet.desire(id, wanting(3, 2));
    const first = startHere();
    await said(fleet, id, { code: 'applied', revision: 2 });
    expect(await first.kill('SIGINT')).toBe(exitCodes.stopped);
    status = 503;

    const again = startHere();
    await again.says(/runs revision 2\n[\s\S]*connected/);
    await fleet.desire(id, wanting(4, 3));
    await again.says(/applied revision 3/);

    expect(again.output()).toMatch(/goes on with the certificate it has: .*503/);
    expect(again.output()).not.toMatch(/applied revision 2/);
  });

  it.skipIf(lacking !== '')('with a Postfix reports which one that is', async () => {
    const open = openFolder();
    const { mqtt } = fleet.iot;
    writeFileSync(join(open, 'endpoints.json'), JSON.stringify({ api: api.url, token: 't', mqtt }));
    const scanner = start('--id', id, '--data', open, '--mta', 'postfix');
    const inventory = await until('the inventory', () => fleet.reported(id, 'inventory'));
    expect(inventory).toMatchObject({
      software: { name: 'postfix', version: expect.stringMatching(/^\d+\.\d+\S* \(scanner \d/) },
    });
    await scanner.kill('SIGTERM');
  });

  it('uses another control plane when it is told of one', async () => {
    const empty = emptyFolder();
    const scanner = start('--id', id, '--data', empty, '--url', `${api.url}/`, '--token', 't');
    await scanner.says(/connected to/);
    await fleet.desire(id, wanting(3, 2));
    await said(fleet, id, { code: 'applied', revision: 2 });
  });

  it('killed with -9 again and again leaves a whole configuration each time, and ends at the last', async () => {
    const dir = join(data, 'scanners', id);
    const sizes = [3000, 30_000, 4000, 20_000];
    for (const [index, size] of sizes.entries()) {
      await fleet.desire(id, wanting(size, index + 2));
      const scanner = startHere();
      await scanner.says(new RegExp(`revision ${index + 2}: fetched|applied revision ${index + 2}`));

      await scanner.kill('SIGKILL');

      const left = inForce(dir);
      if (left === null) continue;
      const revision = Number(left.configuration['revision']);
      expect(left.lists['inbound.txt']).toBe(enabledOf(listOf(sizes[revision - 2] ?? 0)));
    }
    startHere();
    await said(fleet, id, { code: 'applied', revision: 5 });
    expect(inForce(dir)?.lists['inbound.txt']).toBe(enabledOf(listOf(20_000)));
  });
});

describe('a download that breaks off', () => {
  it('goes on in the next process with the objects that are not there yet, after kill -9', async () => {
    const before = fleet.fetched.length;
    fleet.refuse = () => (fleet.fetched.length - before > 6 ? 503 : undefined);
    onTestFinished(() => {
      fleet.refuse = () => undefined;
    });
    await fleet.desire(id, wanting(30_000, 2));
    const first = startHere();
    await said(fleet, id, { code: 'failed', revision: 2 });
    await first.kill('SIGKILL');
    const there = readdirSync(join(data, 'scanners', id, 'objects'));

    fleet.refuse = () => undefined;
    const later = fleet.fetched.length;
    startHere();
    await said(fleet, id, { code: 'applied', revision: 2 });

    expect(there.length).toBeGreaterThan(1);
    const fetched = fleet.fetched.slice(later);
    expect(fetched.filter((hash) => there.includes(hash))).toEqual([]);
    expect(new Set([...fetched, ...there])).toEqual(new Set(objectsOf(listOf(30_000)).keys()));
  });
});

describe('the process of a Scanner ends', () => {
  it('with 5 when another runs on its folder, and leaves that one alone', async () => {
    await fleet.desire(id, wanting(3, 2));
    const first = startHere();
    await said(fleet, id, { code: 'applied', revision: 2 });

    const second = startHere();

    expect(await second.exited).toBe(exitCodes.inUse);
    expect(second.output()).toMatch(/Another Scanner runs on .*--data DIR/);
    await fleet.desire(id, wanting(4, 3));
    await first.says(/applied revision 3/);
  });

  it('with 0 and the usage when asked for help', async () => {
    const scanner = start('--help');
    expect(await scanner.exited).toBe(0);
    expect(scanner.output()).toMatch(/--id ID[\s\S]*--data DIR[\s\S]*--url URL/);
  });

  it('with 2 when it is called wrongly', async () => {
    const scanner = start('--id', 'MX_1');
    expect(await scanner.exited).toBe(exitCodes.usage);
    expect(scanner.output()).toMatch(/"MX_1" is not an id[\s\S]*--help/);
  });

  it('with 3 when no control plane is there', async () => {
    const scanner = start('--id', id, '--data', emptyFolder());
    expect(await scanner.exited).toBe(exitCodes.unreachable);
    expect(scanner.output()).toMatch(/endpoints\.json does not say[\s\S]*npm start/);
  });

  it('with 0 on SIGTERM while it waits for a control plane that is broken', async () => {
    status = 503;
    const scanner = startHere();
    await scanner.says(/not enrolled yet \(GET .*503.*\); trying again in/);
    expect(await scanner.kill('SIGTERM')).toBe(exitCodes.stopped);
  });

  it('with 4 when the control plane refuses it', async () => {
    status = 403;
    const scanner = startHere();
    expect(await scanner.exited).toBe(exitCodes.refused);
    expect(scanner.output()).toMatch(/GET \/scanners\/mx\d+ was answered with 403: said no/);
  });

  it('with 1 when its folder cannot be used', async () => {
    writeFileSync(join(data, 'scanners'), 'a file where the folder is to be');
    const scanner = startHere();
    expect(await scanner.exited).toBe(exitCodes.folder);
    expect(scanner.output()).toMatch(/EEXIST|ENOTDIR/);
  });
});
