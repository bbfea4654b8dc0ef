import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an account would be billed for at DynamoDB: request units, and how many requests there were. */
export interface TableCounts {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
};

interface Capacity {
  CapacityUnits?: number;
}

const reads = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan']);

const unitsOf = (capacity: Capacity | Capacity[] | undefined): number =>
  [capacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);

/**
 * Stands between the functions and the engine of the table: asks with each request what it consumes (index included), and adds that up. What
 * reads the stream is not counted: for functions that is free.
 */
export const startCountingProxy = async (target: () => string) => {
  let counts: TableCounts = { requests: 0, readUnits: 0, writeUnits: 0 };

  const count = (operation: string, answer: Buffer): void => {
    const { ConsumedCapacity } = JSON.parse(answer.toString('utf8')) as { ConsumedCapacity?: Capacity };
    const units = unitsOf(ConsumedCapacity);
    counts = {
      requests: counts.requests + 1,
      readUnits: counts.readUnits + (reads.has(operation) ? units : 0),
      writeUnits: counts.writeUnits + (reads.has(operation) ? 0 : units),
    };
  };

  const server = createServer(async (incoming, outgoing) => {
    const [api = '', operation = ''] = String(incoming.headers['x-amz-target'] ?? '').split('.');
    const isCounted = api.startsWith('DynamoDB_') && /Item|Query|Scan/.test(operation);
    const given = await bodyOf(incoming);
    const body = isCounted
      ? Buffer.from(
          JSON.stringify({ ...JSON.parse(given.toString('utf8')), ReturnConsumedCapacity: 'TOTAL' }),
        )
      : given;
    const headers = { ...incoming.headers, 'content-length': String(body.length) };
    const onward = request(`${target()}${incoming.url}`, { method: incoming.method, headers });
    onward.on('error', () => outgoing.destroy());
    onward.end(body);
    onward.on('response', async (response) => {
      const answer = await bodyOf(response);
      if (isCounted) count(operation, answer);
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      outgoing.end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => counts,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
