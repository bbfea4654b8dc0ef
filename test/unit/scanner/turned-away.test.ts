import { describe, expect, it } from 'vitest';
import {
  ControlPlaneRefused,
  ControlPlaneUnknown,
  ControlPlaneUnreachable,
} from '../../../scanner/control-plane.ts';
import { explanationOf, type TurnedAway } from '../../../scanner/turned-away.ts';

const coded = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const closed = new Error('the connection was closed by the other side');
const told = (answer: TurnedAway | Error) => async () => {
  if (answer instanceof Error) throw answer;
  return answer;
};

describe('a Scanner that is not connected', () => {
  it.each([
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('because nobody answers (%s) has nothing to do, whatever the API says', async (code) => {
    const said = await explanationOf('mx1', coded(code), told({ kind: 'unknown' }));
    expect(said).toContain('the control plane is not reachable: what is in force goes on');
    expect(said).not.toMatch(/let in|--enrol/);
  });

  it('because several addresses refuse the connection has nothing to do', async () => {
    const all = Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), {
      code: 'ECONNREFUSED',
    });
    expect(await explanationOf('mx1', all, told({ kind: 'known' }))).toContain('not reachable');
  });

  it.each([
    ['does not answer', new ControlPlaneUnreachable('GET … got no answer')],
    ['is known by a file that is away', new ControlPlaneUnknown('endpoints.json does not say')],
  ])('that is turned away, of which the API %s, is told that, and to do nothing yet', async (_, error) => {
    const said = await explanationOf('mx1', closed, told(error));
    expect(said).toMatch(/^not let in again and again, and the API cannot be asked why/);
    expect(said).not.toMatch(/--enrol|Nothing is to be done/);
  });

  it('that is turned away is told to enrol', async () => {
    const said = await explanationOf('mx1', closed, told({ kind: 'known' }));
    expect(said).toMatch(/^not let in again and again\. .*start it with --enrol/);
    expect(await explanationOf('mx1', closed, told({ kind: 'unknown' }))).toMatch(
      /\(there is no Scanner mx1 any more\).*--enrol/,
    );
  });

  it('that is turned away, of which the API says nothing, is told to enrol and why nothing is said', async () => {
    const refused = new ControlPlaneRefused('GET /scanners/mx1', 401, 'Unauthorized');
    expect(await explanationOf('mx1', closed, told(refused))).toMatch(/--enrol.*answered with 401/);
  });

  it('that was decommissioned is told what goes on, and how its id is had back', async () => {
    const said = await explanationOf('mx1', closed, told({ kind: 'decommissioned', at: '2026-11-24' }));
    expect(said).toContain('(mx1 was decommissioned at 2026-11-24). What is in force goes on');
    expect(said).toMatch(/POST \/v1\/scanners.*SCANNER_NOT_CLEARED.*--enrol/);
  });
});
