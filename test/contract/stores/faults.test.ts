import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';

let server: Server;
const sockets = new Set<Socket>();
let getItem: typeof import('../../../functions/stores/dynamo.ts').getItem;
let getText: typeof import('../../../functions/stores/objects.ts').getText;

/** A service that takes every connection and never answers. */
beforeAll(async () => {
  server = createServer((socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_MAX_ATTEMPTS: '1',
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_S3: url,
    TABLE_NAME: 't',
    BUCKET_NAME: 'b',
  });
  ({ getItem } = await import('../../../functions/stores/dynamo.ts'));
  ({ getText } = await import('../../../functions/stores/objects.ts'));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

it('a service that never answers is UNAVAILABLE after a while, and not waited for', async () => {
  const calls = [getItem('a', 'b'), getText('a')].map((call) =>
    expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' }),
  );
  await Promise.all(calls);
});
