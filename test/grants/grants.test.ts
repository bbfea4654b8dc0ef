import { describe, expect, it } from 'vitest';
import { synthesize } from '../../local/synthesize.ts';
import { readTemplate } from '../../local/template.ts';
import {
  declaredGrants,
  described,
  isExcepted,
  notRun,
  type Refused,
  recordedLines,
  unused,
} from '../helpers/grants.ts';
import { exceptions } from './exceptions.ts';

const dir = process.env['RECORD_GRANTS'] ?? '';
const model = readTemplate(synthesize(), {
  region: 'eu-west-1',
  accountId: '000000000000',
  name: 'scanner-control-plane',
  parameters: { Issuer: 'https://issuer' },
});
const grants = declaredGrants(model.functions);
const lines = recordedLines(dir);
const left = notRun(dir);

const told = ({ entry, action, resource, context }: Refused): string =>
  `${entry} ${action} ${resource} ${JSON.stringify(context ?? {})}`;

describe('the roles of the functions', () => {
  it('allow everything that was done in this run', () => {
    expect([...new Set(lines.filter((line) => line.kind === 'refused').map(told))]).toEqual([]);
  });

  it('allow nothing that was never done, when every journey has run', ({ skip }) => {
    skip(left.length > 0, `${left.length} files have not run, ${left[0]} among them`);
    const never = unused(grants, lines).filter((grant) => !isExcepted(grant, exceptions));
    expect(never.map(described)).toEqual([]);
  });

  it('have exceptions only for what is granted', () => {
    for (const exception of exceptions)
      expect(
        grants.some((grant) => isExcepted(grant, [exception])),
        exception.reason,
      ).toBe(true);
  });
});
