import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const services = ['api', 'issuer', 'dynamodb', 's3', 'iot', 'mqtt', 'lambda', 'sqs'] as const;
export type Ports = Record<(typeof services)[number], number>;

/** The first of the eight ports where none is asked for. */
export const standardPortBase = 4570;

const probe = async (port: number, host = '127.0.0.1'): Promise<number> => {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return taken;
};

const fromBase = (base: number): Ports =>
  Object.fromEntries(services.map((service, index) => [service, base + index])) as Ports;

/** Below the ports that connections go out from (32768 and above on Linux, `ip_local_port_range`): one of those may be taken a moment after it was free. */
const [lowest, beyond] = [10_240, 32_768];

/**
 * Claims a number of a port until this process ends, so that no other process is given it between now and its use: the UDP port of that
 * number is held, which nothing here speaks at. Fails where it is claimed.
 */
const claim = async (port: number): Promise<void> => {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
};

const claimed = async (port: number, host?: string): Promise<number> => {
  await probe(port, host);
  await claim(port);
  return port;
};

/** A port of an address of this host that is free now, and that nobody else is given by chance. */
export const freePort = async (host?: string): Promise<number> => {
  for (;;) {
    const port = await claimed(randomInt(lowest, beyond), host).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      return null;
    });
    if (port !== null) return port;
  }
};

const free = async (but: number[] = []): Promise<Ports> => {
  const ports = new Set<number>();
  while (ports.size < services.length) {
    const port = await freePort();
    if (!but.includes(port)) ports.add(port);
  }
  return Object.fromEntries(services.map((service, index) => [service, [...ports][index]])) as Ports;
};

/** The ports of the last start; a service that came with a later version gets the next in the row, or a free one where there is no row. */
const remembered = async (file: string): Promise<Ports | undefined> => {
  if (!existsSync(file)) return undefined;
  const known = JSON.parse(readFileSync(file, 'utf8')) as Pick<Ports, 'api'> & Partial<Ports>;
  const row = fromBase(known.api);
  const isRow = Object.entries(known).every(([service, port]) => row[service as keyof Ports] === port);
  return { ...(isRow ? row : await free(Object.values(known))), ...known };
};

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
  const known = await remembered(file);
  const keep = known && (base === undefined || base === 0 || known.api === base);
  const ports = keep ? known : base === 0 ? await free() : fromBase(base ?? standardPortBase);
  await assertFree(ports);
  // Claimed already where they are free ones of this process; whatever else holds a UDP port takes nothing from the stack.
  for (const port of Object.values(ports)) await claim(port).catch(() => undefined);
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`);
  return ports;
};
