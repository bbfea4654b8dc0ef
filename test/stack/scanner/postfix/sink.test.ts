import { describe, expect, it } from 'vitest';
import { configured, freePort, greetingOf, lacking, openFolder, put, sinkIn } from './world.ts';

const inbound = (port: number, more: object = {}) => ({
  mailFiltering: 'inbound' as const,
  inbound: { ipv4: { address: '127.0.0.1', port }, ...more },
});

describe.skipIf(lacking !== '')(`a Postfix sink${lacking && ` (${lacking})`}`, () => {
  it('starts Postfix by the first configuration, and reloads it for the next', async () => {
    const dir = openFolder();
    const { sink, lines } = await sinkIn(dir);
    const port = await freePort();
    console.time('first');
    expect(await put(sink, { smtp: inbound(port) })).toBe('Postfix was started');
    console.timeEnd('first');
    expect(await greetingOf(port)).toContain('SIZE');
    console.time('second');
    const note = await put(sink, { revision: 2, smtp: inbound(port), advanced: { inbound: { maxMessageBytes: 4096 } } });
    console.timeEnd('second');
    expect(note).toBe('Postfix was reloaded');
    expect(await greetingOf(port)).toContain('SIZE 4096');
    console.log(lines);
    expect((await sink.held()).current).toEqual(configured({ revision: 2, smtp: inbound(port), advanced: { inbound: { maxMessageBytes: 4096 } } }).desired);
  });
});
