import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Presence, Report } from '../../../shared/domain/status.ts';
import { emptyLists as lists, newId, startServices } from './services.ts';

let status: typeof import('../../../functions/stores/status.ts');
let createScanner: typeof import('../../../functions/stores/scanners.ts').createScanner;
let end: () => Promise<void>;

const at = '2026-11-24T10:00:00.000Z';

const registered = async (): Promise<string> => {
  const scannerId = newId('mx');
  const request = { actor: { name: 'me', requestId: 'r' }, at: new Date(at), operation: 'test' };
  await createScanner({ scannerId, labels: {}, enabled: true, epoch: 'e1' }, lists, request);
  return scannerId;
};

const report = (shadowVersion: number, epoch = 'e1'): Report => ({
  epoch,
  shadowVersion,
  appliedRevision: shadowVersion,
  appliedRoots: {},
  appliedAt: at,
  lastReport: null,
});

beforeAll(async () => {
  end = await startServices();
  status = await import('../../../functions/stores/status.ts');
  ({ createScanner } = await import('../../../functions/stores/scanners.ts'));
});
afterAll(() => end?.());

describe('the status of a Scanner', () => {
  it('moves forward only, in whatever order it is told', async () => {
    const id = await registered();
    const published = (revision: number) => status.putPublished(id, { revision, shadowVersion: 1, at });

    await Promise.all([3, 1, 5, 2, 4].map(published));
    expect(await published(4)).toBe(false);
    await Promise.all([2, 7, 1].map((version) => status.putReport(id, report(version))));
    expect(await status.putReport(id, report(7))).toBe(false);

    const state = await status.readState(id);
    expect(state.published?.revision).toBe(5);
    expect(state.report?.shadowVersion).toBe(7);
  });

  it('begins anew with another registration, and is read under its own alone', async () => {
    const id = await registered();
    await status.putReport(id, report(9));

    expect(await status.putReport(id, report(1, 'e2'))).toBe(true);
    expect(await status.putReport(id, report(11, 'e1'))).toBe(false);
    expect((await status.readState(id)).report).toBeUndefined(); // the registration is still e1
  });

  it('begins anew with a shadow whose versions have begun again, for one who knows from where', async () => {
    const id = await registered();
    await status.putReport(id, report(250));

    expect(await status.putReport(id, report(1))).toBe(false);
    expect(await status.putReport(id, report(1), 249)).toBe(false);
    expect(await status.putReport(id, report(1), 250)).toBe(true);
  });

  it('takes presence only if it is still what the next was computed from', async () => {
    const id = await registered();
    const presence = (sessionIdentifier: string, connected: boolean): Presence => ({
      sessionIdentifier,
      connected,
      versionNumber: 0,
      at,
    });
    const first = presence('s1', true);

    expect(await status.putPresence(id, first, undefined)).toBe(true);
    expect(await status.putPresence(id, presence('s2', true), undefined)).toBe(false);
    expect(await status.putPresence(id, presence('s2', true), first)).toBe(true);
    expect(await status.putPresence(id, presence('s1', false), first)).toBe(false);
    expect((await status.readState(id)).presence?.sessionIdentifier).toBe('s2');
  });
});

describe('the states of many Scanners', () => {
  it('come in the order asked for, over several batches, without those that are not registered', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, registered));
    const asked = [...ids.slice(0, 20), newId('none'), ...ids.slice(20).reverse()];

    const states = await status.readStates(asked);

    expect(states.map((state) => state.scanner.scannerId)).toEqual(
      asked.filter((id) => !id.startsWith('none')),
    );
  });

  it('of one that is not registered is NOT_FOUND', async () => {
    await expect(status.readState(newId('none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
