import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportChange, reportedOf } from '../../../scanner/report.ts';
import { mergePatch } from '../../../shared/domain/merge-patch.ts';
import { smtpReported } from '../../../shared/messages/shadow.ts';
import { anyDesired, desired, wholeDesired } from './documents.ts';

const at = '2026-11-24T10:00:00.000Z';
const later = '2026-11-24T10:00:05.000Z';

describe('what is reported', () => {
  it('before anything is applied is the status alone', () => {
    const status = { revision: 7, code: 'applying', at } as const;
    expect(reportedOf(null, status)).toEqual({ status });
  });

  it('mirrors what is applied, whatever the status speaks of', () => {
    const status = { revision: 8, code: 'failed', message: 'no space left', at } as const;
    expect(reportedOf(desired(), status)).toEqual({ ...desired(), status });
  });

  it('is cut to what the control plane takes', () => {
    const reported = reportedOf(desired(), {
      revision: 8,
      code: 'rejected',
      message: 'm'.repeat(2000),
      pointer: `/${'p'.repeat(2000)}`,
      at,
    });
    expect(smtpReported.safeParse(reported).success).toBe(true);
    expect(reported.status.message).toHaveLength(500);
  });

  it('names sections that went with null', () => {
    const held = reportedOf(wholeDesired(), { revision: 7, code: 'applied', at });
    const wanted = reportedOf(desired({ revision: 8 }), { revision: 8, code: 'applied', at: later });
    expect(reportChange({ ...held }, wanted)).toMatchObject({
      revision: 8,
      mailFiltering: 'inbound',
      outbound: null,
      authentication: null,
      inbound: { ipv6: null },
      lists: { outbound: null, authentication: null },
    });
  });

  it('takes back the message of a failure that is over', () => {
    const held = reportedOf(null, { revision: 7, code: 'failed', message: 'no', at });
    const wanted = reportedOf(desired(), { revision: 7, code: 'applied', at: later });
    expect(reportChange({ ...held }, wanted)).toMatchObject({ status: { code: 'applied', message: null } });
  });

  it('is not said again when only the time differs', () => {
    const held = reportedOf(desired(), { revision: 7, code: 'applied', at });
    const wanted = reportedOf(desired(), { revision: 7, code: 'applied', at: later });
    expect(reportChange({ ...held }, wanted)).toBeUndefined();
  });

  it('is said when the time is missing in what is held', () => {
    const { at: _, ...status } = reportedOf(desired(), { revision: 7, code: 'applied', at }).status;
    const wanted = reportedOf(desired(), { revision: 7, code: 'applied', at: later });
    expect(reportChange({ ...desired(), status: { ...status, code: 'applying' } }, wanted)).toBeDefined();
  });

  it('brings any reported section to exactly what is applied', () => {
    fc.assert(
      fc.property(fc.option(anyDesired), fc.option(anyDesired), (before, after) => {
        const held = reportedOf(before, { revision: 1, code: 'failed', message: 'm', at });
        const wanted = reportedOf(after, { revision: 2, code: 'applied', at: later });
        const change = reportChange({ ...held }, wanted) ?? {};
        expect(mergePatch({ ...held }, change)).toEqual(wanted);
      }),
    );
  });
});
