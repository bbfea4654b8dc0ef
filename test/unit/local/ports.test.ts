import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePorts, services } from '../../../local/ports.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ports-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the ports of a stack', () => {
  it('are free ones where 0 is asked for, one for each service, and those again at the next start', async () => {
    const ports = await choosePorts(dir, 0);
    expect(Object.keys(ports)).toEqual([...services]);
    expect(new Set(Object.values(ports)).size).toBe(services.length);
    expect(await choosePorts(dir, 0)).toEqual(ports);
    expect(await choosePorts(dir)).toEqual(ports);
  });

  it('of a folder from before a service was there stay, and the service gets one of its own', async () => {
    const { lambda: _, ...before } = await choosePorts(dir, 0);
    writeFileSync(join(dir, 'ports.json'), JSON.stringify(before));
    const ports = await choosePorts(dir);
    expect(ports).toMatchObject(before);
    expect(new Set(Object.values(ports)).size).toBe(services.length);
    expect(JSON.parse(readFileSync(join(dir, 'ports.json'), 'utf8'))).toEqual(ports);
  });
});
