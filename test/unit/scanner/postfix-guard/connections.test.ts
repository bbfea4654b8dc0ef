import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { connectionTable, readConnections } from '../../../../scanner/postfix/guard/connection-table.ts';
import { type Connection, connectionsIn } from '../../../../scanner/postfix/guard/connections.ts';

const heading =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (local: string, remote: string, state: string) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 20 0 0 10 -1`;

describe('the table of connections', () => {
  it.each<[string, string, string, string, 'LE' | 'BE', string]>([
    [
      'IPv4, least byte first',
      '0100007F:0019',
      '070200C0:D431',
      '01',
      'LE',
      '192.0.2.7 54321 > 127.0.0.1 25',
    ],
    ['IPv4, most byte first', '7F000001:0019', 'C0000207:D431', '01', 'BE', '192.0.2.7 54321 > 127.0.0.1 25'],
    [
      'one whose client has sent its last',
      '0100007F:0019',
      '070200C0:D431',
      '08',
      'LE',
      '192.0.2.7 54321 > 127.0.0.1 25',
    ],
    ['one that waits', '0100007F:0019', '070200C0:D431', '06', 'LE', ''],
    ['a listener', '0100007F:0019', '00000000:0000', '0A', 'LE', ''],
    [
      'IPv6',
      '00000000000000000000000001000000:024B',
      'B80D0120000000000000000034120000:D431',
      '01',
      'LE',
      '2001:db8::1234 54321 > ::1 587',
    ],
    [
      'IPv4 mapped into IPv6',
      '0000000000000000FFFF00000100007F:0019',
      '0000000000000000FFFF0000070200C0:D431',
      '01',
      'LE',
      '192.0.2.7 54321 > 127.0.0.1 25',
    ],
  ])('reads %s', (_, local, remote, state, order, wanted) => {
    const shown = connectionsIn(`${heading}\n${row(local, remote, state)}\n`, order).map(
      ({ client, server }) => `${client.address} ${client.port} > ${server.address} ${server.port}`,
    );
    expect(shown.join()).toBe(wanted);
  });

  it.skipIf(process.platform !== 'linux')('of this host has a connection that was just made', async () => {
    const accepted: Socket[] = [];
    // One that connections go out from may be that of another connection of this host, too.
    const port = await freePort();
    const server = createServer((socket) => accepted.push(socket)).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => {
      client.destroy();
      for (const socket of accepted) socket.destroy();
      server.close();
    });
    await once(client, 'connect');

    const there = await readConnections((asked) => asked === port);

    expect(there).toEqual([
      {
        server: { address: '127.0.0.1', port },
        client: { address: '127.0.0.1', port: client.localPort },
      },
    ]);
  });

  it('is read for the ports that are asked for, in lines of whatever number', () => {
    const lines = ['0019', '024B', '0019', '1F90'].map((port, index) =>
      row(`0100007F:${port}`, `070200C0:D43${index}`, '01').replace('0:', `${9998 + index}:`),
    );
    const asked = connectionsIn([heading, ...lines].join('\n'), 'LE', (port) => port === 25 || port === 587);
    expect(asked.map(({ client, server }) => `${server.port} ${client.port - 0xd430}`)).toEqual([
      '25 0',
      '587 1',
      '25 2',
    ]);
  });

  it('is read after each asks, once for all who ask while another reading is under way', async () => {
    const readings: ((value: Connection[]) => void)[] = [];
    const table = connectionTable(() => new Promise((resolve) => readings.push(resolve)));
    const answered: string[] = [];
    const ask = (name: string) => table().then(([one]) => answered.push(`${name} ${one?.client.address}`));
    const at = (address: string): Connection[] => [
      { client: { address, port: 1 }, server: { address: '127.0.0.1', port: 25 } },
    ];

    const first = ask('first');
    await Promise.resolve();
    const others = [ask('second'), ask('third')];
    readings[0]?.(at('10.0.0.1'));
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    expect(readings).toHaveLength(2);
    readings[1]?.(at('10.0.0.2'));
    await Promise.all(others);

    expect(answered).toEqual(['first 10.0.0.1', 'second 10.0.0.2', 'third 10.0.0.2']);
  });

  it('is read again after a reading has failed', async () => {
    let calls = 0;
    const table = connectionTable(async () => {
      calls += 1;
      if (calls === 1) throw new Error('EMFILE');
      return [];
    });
    await expect(table()).rejects.toThrow('EMFILE');
    await expect(table()).resolves.toEqual([]);
  });
});
