import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { following, note } from '../../../functions/lib/followed.ts';
import { traced } from '../../../functions/lib/trace.ts';

const header = 'Root=1-581cf771-a006649127e371903a2de979;Parent=70de5b6f19ff9a0a;Sampled=1';

let daemon: Socket;
beforeEach(async () => {
  daemon = createSocket('udp4');
  daemon.bind(0, '127.0.0.1');
  await once(daemon, 'listening');
  vi.stubEnv('AWS_XRAY_DAEMON_ADDRESS', `127.0.0.1:${daemon.address().port}`);
  vi.stubEnv('_X_AMZN_TRACE_ID', header);
});
afterEach(() => {
  vi.unstubAllEnvs();
  daemon.close();
});

const received = async (): Promise<[header: unknown, document: unknown]> => {
  const [message] = (await once(daemon, 'message')) as [Buffer];
  const [first = '', second = ''] = message.toString().split('\n');
  return [JSON.parse(first), JSON.parse(second)];
};

describe('a traced invocation', () => {
  it('is a part of its trace that says what the work was about', async () => {
    const message = received();
    const answer = await following({ requestId: 'r1' }, () =>
      traced('handler', async () => {
        note({ scannerId: 'mx1', revision: 3, location: undefined });
        return 'done';
      }),
    );

    expect(answer).toBe('done');
    expect(await message).toEqual([
      { format: 'json', version: 1 },
      {
        type: 'subsegment',
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        trace_id: '1-581cf771-a006649127e371903a2de979',
        parent_id: '70de5b6f19ff9a0a',
        name: 'handler',
        start_time: expect.any(Number),
        end_time: expect.any(Number),
        annotations: { requestId: 'r1', scannerId: 'mx1', revision: 3 },
      },
    ]);
  });

  it('that fails is a fault, and fails as it did', async () => {
    const message = received();
    const failed = traced('handler', () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect((await message)[1]).toMatchObject({ fault: true });
  });

  it.each([
    ['is not sampled', '_X_AMZN_TRACE_ID', header.replace('Sampled=1', 'Sampled=0')],
    ['has no trace', '_X_AMZN_TRACE_ID', undefined],
    ['has no daemon', 'AWS_XRAY_DAEMON_ADDRESS', undefined],
  ])('sends nothing where it %s', async (_, name, value) => {
    vi.stubEnv(name, value);
    const messages: unknown[] = [];
    daemon.on('message', (message) => messages.push(message));
    expect(await traced('handler', async () => 1)).toBe(1);
    // Loopback keeps the order: had there been one, it would come before this.
    const last = once(daemon, 'message');
    const own = createSocket('udp4');
    own.send('last', daemon.address().port, '127.0.0.1');
    await last;
    own.close();
    expect(messages.map(String)).toEqual(['last']);
  });
});
