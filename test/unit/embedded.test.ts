import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'embedded-'));
afterAll(() => rmSync(dir, { recursive: true }));

const run = (program: string, args: string[]): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { timeout: 25_000 }, (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });

describe('where no stack runs whose state is in a folder', () => {
  it.each([
    ['scripts/aws-env.ts', []],
    ['scripts/fsck.ts', []],
    ['scripts/smoke.ts', []],
    ['local/token.ts', []],
    ['scanner/main.ts', ['--id', 'mx1']],
  ])('%s says how to start that one', async (program, args) => {
    expect(await run(program, ['--data', dir, ...args])).toMatchObject({
      code: expect.any(Number),
      stderr: expect.stringContaining(`npm start -- --data ${dir}`),
    });
  });
});
