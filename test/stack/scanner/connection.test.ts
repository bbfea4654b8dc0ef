import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { UpdateCertificateCommand } from '@aws-sdk/client-iot';
import { UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../local/ports.ts';
import { createScannerAgent } from '../../../scanner/agent.ts';
import { folderSink } from '../../../scanner/folder-sink.ts';
import type { LinkOptions } from '../../../scanner/mqtt-link.ts';
import { openObjectCache } from '../../../scanner/object-cache.ts';
import { type Device, type Embedded, enrol, startEmbedded, until } from '../../contract/iot/embedded.ts';
import { desired, pair, shadowTls } from '../../unit/scanner/documents.ts';
import { emptyFolder, inForce } from '../../unit/scanner/folder.ts';

let iot: Embedded;
let device: Device;
let lines: string[];

beforeEach(async () => {
  // Ports that nobody else takes while it is away.
  iot = await startEmbedded({ ports: { http: await freePort(), mqtt: await freePort() } });
  device = await enrol(iot.iot, 'mx1');
  lines = [];
});
afterEach(() => iot.stop());

const link = (more: Partial<LinkOptions> = {}): LinkOptions => ({
  ...iot.mqtt,
  clientId: 'mx1',
  privateKeyPem: device.key,
  certificatePem: device.cert,
  caPem: readFileSync(iot.caPath, 'utf8'),
  ...more,
});

/** Starts a Scanner on an empty folder; it ends with the test. */
const start = async (options: LinkOptions, reconnect = { baseMs: 5, capMs: 20 }) => {
  const dir = emptyFolder();
  const agent = await createScannerAgent({
    link: options,
    sink: folderSink(dir),
    cache: await openObjectCache(dir),
    software: { name: 'reference-scanner', version: '1' },
    log: (line) => lines.push(line),
    newId: randomUUID,
    reconnect,
  });
  onTestFinished(() => agent.stop());
  return { dir, stop: agent.stop };
};

const saidLine = (pattern: RegExp) =>
  until(`a line like ${pattern}`, () => lines.find((line) => pattern.test(line)));

/** Settings without any list, so that nothing has to be fetched. */
const settings = (revision: number) =>
  pair(
    desired({
      revision,
      inbound: { ipv4: { address: '192.0.2.1', port: 25 }, tls: shadowTls, accept: 'all' },
      lists: {},
    }),
  );

const desire = async (revision: number) => {
  const { smtp, advanced } = settings(revision);
  for (const [shadowName, document] of [['smtp-advanced', advanced] as const, ['smtp', smtp] as const]) {
    const payload = JSON.stringify({ state: { desired: document } });
    await iot.data.send(new UpdateThingShadowCommand({ thingName: 'mx1', shadowName, payload }));
  }
};

describe('the connection of a Scanner', () => {
  it('comes back when the broker was away, and the Scanner finds what has changed', async () => {
    const { dir } = await start(link());
    await desire(2);
    await saidLine(/^applied revision 2/);

    await iot.restart();
    await saidLine(/^not connected/);
    await desire(3);

    await saidLine(/^applied revision 3/);
    expect(inForce(dir)?.configuration).toMatchObject({ revision: 3 });
  });

  it('is tried again and again while it is refused, and stands once it is let in', async () => {
    const { certificateId } = device;
    await iot.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await start(link());
    await until(
      'it was refused three times',
      () => lines.filter((line) => /^not connected/.test(line)).length >= 3,
    );

    await iot.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }));

    await saidLine(/^connected to 127\.0\.0\.1:\d+ as mx1$/);
  });

  it('is not made to a server that the authority does not know', async () => {
    const other = await startEmbedded();
    onTestFinished(() => other.stop());
    await start(link({ ...other.mqtt }));
    await saidLine(/^not connected \(.*(certificate|signature)/i);
    expect(lines.some((line) => line.startsWith('connected'))).toBe(false);
  });

  it('is refused under the id of another thing', async () => {
    await enrol(iot.iot, 'mx2');
    await start(link({ clientId: 'mx2' }));
    await saidLine(/^not connected \(.*not authorized/i);
  });

  it('waits longer the more often two Scanners of one id chase each other off', async () => {
    const backoff = { baseMs: 20, capMs: 3_600_000 };
    await start(link(), backoff);
    await saidLine(/^connected/);
    await start(link(), backoff);

    const waits = await until('both were chased off several times', () => {
      const found = lines.flatMap((line) => /trying again in ([\d.]+) s/.exec(line)?.[1] ?? []).map(Number);
      return Math.max(0, ...found) >= 0.2 ? found : undefined;
    });

    expect(Math.min(...waits)).toBeLessThan(0.1);
  });

  it('is given up at once while nothing answers', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const begun = performance.now();
    const { stop } = await start(link({ port }));
    await until('it has called', () => sockets.length > 0);

    await stop();

    // So long it waits for an answer, otherwise.
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(lines).toEqual(['runs no configuration yet']);
  });

  it('is ended with a goodbye', async () => {
    await iot.stop();
    iot = await startEmbedded({
      topicRules: [
        {
          name: 'gone',
          sql: "SELECT clientId, disconnectReason FROM '$aws/events/presence/disconnected/+'",
          functionArns: ['arn:gone'],
        },
      ],
    });
    device = await enrol(iot.iot, 'mx1');
    const { stop } = await start(link());
    await saidLine(/^connected/);

    await stop();

    const [gone] = await until('the end is told', () =>
      iot.invocations.length > 0 ? iot.invocations : undefined,
    );
    expect(gone?.event).toEqual({ clientId: 'mx1', disconnectReason: 'CLIENT_INITIATED_DISCONNECT' });
  });
});
