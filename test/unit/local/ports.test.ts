import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePorts, freePort, services } from '../../../local/ports.ts';

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

describe('a free port', () => {
  it('is claimed by its UDP twin, so that no other process is given it before it is used', async () => {
    const other = createSocket('udp4');
    other.bind(await freePort(), '127.0.0.1');
    await expect(once(other, 'listening')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
  });
});
