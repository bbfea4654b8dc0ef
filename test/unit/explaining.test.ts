import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { explaining } from '../../scripts/explaining.ts';

/** Where no file of the user and no variable says anything of AWS. */
const bare = {
  PATH: process.env['PATH'],
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};

const run = (script: string, args: string[]): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [`scripts/${script}.ts`, ...args], { env: bare }, (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });

describe('a deployment that is asked without a region', () => {
  it.each([
    ['fsck', ['--table', 'x', '--bucket', 'y']],
    ['restore', ['--from', 'z', '--table', 'x', '--bucket', 'y']],
    ['redrive', ['--queue', 'https://sqs.invalid/x', '--bucket', 'y']],
  ])('%s says what to set', async (script, args) => {
    expect(await run(script, args)).toEqual({ code: 1, stderr: expect.stringContaining('set AWS_REGION') });
  });
});

describe('any other error', () => {
  it('is thrown as it is', async () => {
    const error = new Error('Nothing to explain.');

    await expect(explaining(() => Promise.reject(error))).rejects.toBe(error);
    expect(await explaining(async () => 7)).toBe(7);
  });
});
