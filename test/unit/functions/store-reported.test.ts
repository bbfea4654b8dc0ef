import { describe, expect, it } from 'vitest';
import type { ScannerState } from '../../../functions/stores/status.ts';
import { type Edges, storeReported } from '../../../functions/workers/store-reported.ts';
import { everyList, firstHead, type Head, nextHead } from '../../../shared/domain/configuration.ts';
import { desiredOf } from '../../../shared/domain/desired.ts';
import type { Report } from '../../../shared/domain/status.ts';
import { smtpShadow } from '../../../shared/messages/shadow.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { root } from '../scanner/documents.ts';
import { sha } from '../scanner/lists-of.ts';

const empty = { root: root('a'), entries: 0, enabled: 0 };
const lists = everyList(empty);
const registered = firstHead('mx1', lists, 'me', '2026-01-01T00:00:00.000Z');
const smtp = smtpSettings.parse({
  mailFiltering: 'inbound',
  inbound: { ipv4: { address: '192.0.2.1', port: 25 } },
});
const head: Head = nextHead(
  registered,
  { ...registered.configuration, smtp },
  'me',
  '2026-01-02T00:00:00.000Z',
);
const desired = { ...desiredOf(head, sha)?.smtp };

const earlier = '2026-01-03T00:00:00.000Z';
const now = '2026-01-09T00:00:00.000Z';

const kept = (more: Partial<Report>): Report => ({
  epoch: 'e1',
  shadowVersion: 5,
  appliedRevision: head.revision,
  appliedRoots: {},
  appliedAt: earlier,
  lastReport: { revision: head.revision, code: 'applied', at: earlier },
  ...more,
});

/** What is stored of a report that is read from version `version` of the shadow, under the registration `e2`. */
const storedAfter = async (
  report: Report | undefined,
  reported: object,
  version = 6,
): Promise<Report | undefined> => {
  let stored: Report | undefined;
  const edges: Edges = {
    getShadow: async () => ({ state: { desired, reported }, version }) as never,
    readHead: async () => head,
    putReport: async (_, next) => {
      stored = next;
      return true;
    },
    putReported: async () => true,
    putInventory: async () => true,
    now: () => new Date(now),
  };
  const state = { scanner: { scannerId: 'mx1', epoch: 'e2' }, head, ...(report ? { report } : {}) };
  await storeReported(state as ScannerState, smtpShadow, edges);
  return stored;
};

const status = { revision: head.revision, code: 'applied', at: now };
const same = { ...desired, status };
const other = { ...desired, mailFiltering: 'outbound', status };

describe('a report that differs from what is desired', () => {
  it('differs since it was first seen to, in this registration', async () => {
    const first = await storedAfter(kept({ epoch: 'e2' }), other);
    expect(first).toMatchObject({ differs: true, differsSince: now });

    const known = kept({ epoch: 'e2', differs: true, differsSince: earlier });
    expect(await storedAfter(known, other)).toMatchObject({ differs: true, differsSince: earlier });
  });

  it('does not differ since a time of an earlier registration of the id', async () => {
    const known = kept({ epoch: 'e1', differs: true, differsSince: earlier });
    expect(await storedAfter(known, other)).toMatchObject({ epoch: 'e2', differsSince: now });
  });

  it('is forgotten with a report that does not', async () => {
    const known = kept({ epoch: 'e2', differs: true, differsSince: earlier });
    const stored = await storedAfter(known, same);
    expect(stored).not.toHaveProperty('differs');
    expect(stored).not.toHaveProperty('differsSince');
  });
});

describe('what is known of a registration', () => {
  const known = { differs: true, differsSince: earlier, unreadable: { message: 'x', at: earlier } };

  it('stays where the versions of the shadow begin again, as long as the Scanner says the same', async () => {
    expect(await storedAfter(kept({ epoch: 'e2', ...known, shadowVersion: 90 }), other, 2)).toMatchObject({
      shadowVersion: 2,
      appliedAt: earlier,
      differsSince: earlier,
    });
  });

  it('is nothing of an earlier one, whether the report can be read or not', async () => {
    const read = await storedAfter(kept({ epoch: 'e1', ...known, shadowVersion: 90 }), same, 2);
    expect(read).toStrictEqual({
      epoch: 'e2',
      shadowVersion: 2,
      appliedRevision: head.revision,
      appliedRoots: read?.appliedRoots,
      appliedAt: now,
      lastReport: status,
    });

    const unreadable = await storedAfter(
      kept({ epoch: 'e1', ...known, shadowVersion: 90 }),
      { status: 7 },
      2,
    );
    expect(unreadable).toStrictEqual({
      epoch: 'e2',
      shadowVersion: 2,
      appliedRevision: null,
      appliedRoots: {},
      appliedAt: null,
      lastReport: null,
      unreadable: { message: unreadable?.unreadable?.message, at: now },
    });
  });
});
