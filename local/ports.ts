import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const services = ['api', 'issuer', 'dynamodb', 's3', 'iot', 'mqtt'] as const;
export type Ports = Record<(typeof services)[number], number>;

/** The first of the six ports where none is asked for. */
export const standardPortBase = 4570;

const probe = async (port: number): Promise<number> => {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: taken } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return taken;
};

const fromBase = (base: number): Ports =>
  Object.fromEntries(services.map((service, index) => [service, base + index])) as Ports;

const free = async (): Promise<Ports> => {
  const ports = new Set<number>();
  while (ports.size < services.length) ports.add(await probe(0));
  return Object.fromEntries(services.map((service, index) => [service, [...ports][index]])) as Ports;
};

const remembered = (file: string): Ports | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Ports) : undefined;

const assertFree = async (ports: Ports): Promise<void> => {
  for (const [service, port] of Object.entries(ports))
    await probe(port).catch(() => {
      throw new Error(
        `Port ${port} (${service}) is taken. End what uses it, or choose others with --port-base N (0: any that are free).`,
      );
    });
};

/**
 * The ports of the stack in `dir`: those of its last start, so that addresses stay good across restarts, unless others are asked
 * for. `base` 0 takes free ones.
 */
export const choosePorts = async (dir: string, base?: number): Promise<Ports> => {
  const file = join(dir, 'ports.json');
  const known = remembered(file);
  const keep = known && (base === undefined || base === 0 || known.api === base);
  const ports = keep ? known : base === 0 ? await free() : fromBase(base ?? standardPortBase);
  await assertFree(ports);
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`);
  return ports;
};
