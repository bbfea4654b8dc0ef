import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot';
import { GetThingShadowCommand, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, type Embedded, enrol, startEmbedded } from '../iot/embedded.ts';
import { emptyLists as lists, newId, startServices } from './services.ts';

let fleet: Embedded;
let end: () => Promise<void>;
let store: typeof import('../../../functions/stores/decommissions.ts');
let scanners: typeof import('../../../functions/stores/scanners.ts');
let status: typeof import('../../../functions/stores/status.ts');
let worker: typeof import('../../../functions/workers/decommission-scanner.ts');

const begun = Date.parse('2026-11-24T10:00:00.000Z');
let requests = 0;
const asked = () => {
  requests += 1;
  return { actor: { name: 'me', requestId: `r${requests}` }, at: new Date(begun), operation: 'test' };
};

beforeAll(async () => {
  fleet = await startEmbedded();
  process.env['AWS_ENDPOINT_URL_IOT'] = fleet.controlUrl;
  process.env['AWS_ENDPOINT_URL_IOT_DATA_PLANE'] = fleet.dataUrl;
  end = await startServices();
  store = await import('../../../functions/stores/decommissions.ts');
  scanners = await import('../../../functions/stores/scanners.ts');
  status = await import('../../../functions/stores/status.ts');
  worker = await import('../../../functions/workers/decommission-scanner.ts');
});
afterAll(async () => {
  await end?.();
  await fleet?.stop();
});

/** A Scanner with everything that one leaves behind: a certificate, a thing, a shadow, a report. */
const alive = async (scannerId: string, epoch: string): Promise<Device> => {
  await scanners.createScanner({ scannerId, labels: {}, enabled: true, epoch }, lists, asked());
  const device = await enrol(fleet.iot, scannerId);
  await scanners.recordCertificate(await scanners.getScanner(scannerId), asked(), device.certificateId);
  const payload = new TextEncoder().encode(JSON.stringify({ state: { reported: { life: epoch } } }));
  await fleet.data.send(new UpdateThingShadowCommand({ thingName: scannerId, shadowName: 'smtp', payload }));
  const said = { revision: 1, code: 'applied' as const, at: '', epoch, shadowVersion: 1 };
  await status.putReported(scannerId, said, new Date(begun));
  await status.putPublished(scannerId, { epoch, revision: 1, shadowVersion: 1, at: '' });
  return device;
};

const retired = async (): Promise<{ id: string; device: Device }> => {
  const id = newId('mx');
  const device = await alive(id, 'e1');
  await store.decommissionScanner(id, { ...asked(), dryRun: false, ifMatch: undefined });
  return { id, device };
};

const gone = (asking: Promise<unknown>) =>
  asking.then(
    () => false,
    (error: Error) => {
      if (error.name !== 'ResourceNotFoundException') throw error;
      return true;
    },
  );

/** What is left of a Scanner, all in one. */
const left = async (id: string, device: Device) => {
  const certificate = await fleet.iot.send(
    new DescribeCertificateCommand({ certificateId: device.certificateId }),
  );
  return {
    certificate: certificate.certificateDescription?.status,
    thing: !(await gone(fleet.iot.send(new DescribeThingCommand({ thingName: id })))),
    shadow: !(await gone(fleet.data.send(new GetThingShadowCommand({ thingName: id, shadowName: 'smtp' })))),
    reported: (await status.readReported([{ scannerId: id, revision: 1 }]))[0] !== null,
    published: (await status.readState(id)).published !== undefined,
    cleared: (await scanners.getScanner(id)).clearedAt !== undefined,
  };
};
const nothing = {
  certificate: 'REVOKED',
  thing: false,
  shadow: false,
  reported: false,
  published: false,
  cleared: true,
};
const everything = {
  certificate: 'ACTIVE',
  thing: true,
  shadow: true,
  reported: true,
  published: true,
  cleared: false,
};

/** The clock is read once before all, then before each of the six steps and before the last word: a process that dies there does nothing more. */
const reads = 8;

class Killed extends Error {}

/** Dies at the `at`-th look at the clock; like any dead process it does not give its lease back. */
const killed = async (id: string, at: number): Promise<void> => {
  let looks = 0;
  const clock = () => {
    looks += 1;
    if (looks > at) throw new Killed();
    return begun;
  };
  await expect(worker.decommission(id, clock)).rejects.toThrow(Killed);
  if (at > 0)
    expect(
      await store.beginClearing({ scannerId: id, token: 'dead', until: begun + 90_000 }, new Date(begun)),
    ).toBe(true);
};

describe('clearing away after a Scanner', () => {
  it.each(
    Array.from({ length: reads }, (_, at) => at),
  )('is done by the next run where the first was killed at step %i', async (at) => {
    const { id, device } = await retired();
    await killed(id, at);
    if (at > 0)
      await expect(worker.decommission(id, () => begun + 1000)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      });

    await worker.decommission(id, () => begun + 91_000);

    expect(await left(id, device)).toEqual(nothing);
    await worker.decommission(id, () => begun + 92_000);
    expect(await left(id, device)).toEqual(nothing);
  });

  it('is done once where several runs are at it at once', async () => {
    const { id, device } = await retired();

    const runs = await Promise.allSettled([1, 2, 3].map(() => worker.decommission(id, () => begun)));

    expect(runs.some((run) => run.status === 'fulfilled')).toBe(true);
    for (const run of runs)
      if (run.status === 'rejected') expect(run.reason).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await left(id, device)).toEqual(nothing);
  });

  it.each(
    Array.from({ length: reads }, (_, at) => at),
  )('that was killed at step %i, was finished by another run and is run again after the id was registered again touches nothing of the new Scanner', async (at) => {
    const { id, device } = await retired();
    const old = await scanners.getScanner(id);
    let looks = 0;
    // The first run stands still at a step; another one clears away after its lease, and the id gets its next Scanner.
    const frozen = () => {
      looks += 1;
      if (looks > at) throw new Killed();
      return begun;
    };
    await expect(worker.decommission(id, frozen)).rejects.toThrow(Killed);
    await worker.decommission(id, () => begun + 91_000);
    await expect(left(id, device)).resolves.toEqual(nothing);
    const next = await alive(id, 'e2');

    // It comes back, with what it knew: every later step of it, and everything that woke others.
    await worker.decommission(id, () => begun + 92_000);
    await store.reopenClearing(old);
    await worker.decommission(id, () => begun + 93_000);
    const late = { scannerId: id, token: 'own', until: begun + 200_000 };
    await store.beginClearing(late, new Date(begun + 94_000));
    expect(await store.endClearing(late, old, new Date(begun + 94_000))).toBe(false);

    expect(await left(id, next)).toEqual(everything);
    const { principals } = await fleet.iot.send(new ListThingPrincipalsCommand({ thingName: id }));
    expect(principals).toEqual([next.certificateArn]);
    expect(await scanners.getScanner(id)).toMatchObject({ epoch: 'e2', certificateId: next.certificateId });
  });

  it('is begun again where something of the Scanner appears in the middle, and ends with nothing of it', async () => {
    const { id, device } = await retired();
    let looks = 0;
    let late: Promise<unknown> = Promise.resolve();
    const clock = () => {
      looks += 1;
      // At its last word: the shadow is written back by who was still connected, and whoever sees it says so.
      if (looks === reads - 1)
        late = scanners.getScanner(id).then(async (record) => {
          const payload = new TextEncoder().encode('{"state":{"reported":{"late":true}}}');
          await fleet.data.send(new UpdateThingShadowCommand({ thingName: id, shadowName: 'smtp', payload }));
          await store.reopenClearing(record);
        });
      return begun;
    };
    await worker.decommission(id, clock).catch(() => undefined);
    await late;
    await worker.decommission(id, () => begun + 91_000);

    expect(await left(id, device)).toEqual(nothing);
  });
});
