import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'demo-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const demo = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
  const child = spawn(process.execPath, ['scripts/demo/main.ts', '--data', join(dir, 'state'), ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
};

describe('the demo', () => {
  it('shows the whole loop on the sample list and ends with 0', async () => {
    const { code, output } = await demo();

    expect(output).toContain('12,251 entries on mx2');
    expect(output).toMatch(/mx1 +4 +4 +4 +Published Applied Connected InSync/);
    expect(output).toMatch(/2 objects fetched/);
    expect(output).toMatch(/completed, 1 of 1 applied/);
    expect(output).not.toContain('\u001b[');
    expect(code).toBe(0);
  });

  it('takes a list of the user’s', async () => {
    const list = join(dir, 'own.txt');
    writeFileSync(list, 'example.org; 192.0.2.0/24\n2001:db8::/32, nonsense\n');

    const { code, output } = await demo('--list', list);

    expect(output).toContain('3 entries on mx2');
    expect(output).toContain('nonsense');
    expect(code).toBe(0);
  });

  it('ends with 1 and says which step failed when the list is none', async () => {
    const list = join(dir, 'none.txt');
    writeFileSync(list, Buffer.from('\ufeff192.0.2.1', 'utf16le'));

    const { code, output } = await demo('--list', list);

    expect(output).toContain('FILE_NOT_UTF8');
    expect(output).toContain(join(dir, 'state', 'logs'));
    expect(code).toBe(1);
  });

  it('ends with 2 when there is no such file', async () => {
    expect(await demo('--list', join(dir, 'missing'))).toMatchObject({
      code: 2,
      output: expect.stringContaining('--list FILE'),
    });
  });
});
