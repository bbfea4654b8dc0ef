import { describe, expect, it } from 'vitest';
import { changeOf } from '../../../../scanner/postfix/render/change.ts';
import { rendered, type Sample } from './inputs.ts';

const sample: Sample = { smtp: { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.10' } } } };
const before = rendered(sample);
const moved = { mailFiltering: 'inbound', inbound: { ipv4: { address: '192.0.2.11', port: 26 } } } as const;

describe('what a change needs', () => {
  it.each<[string, Sample, string]>([
    ['the same again', sample, 'none'],
    ['what only the guard reads', { ...sample, advanced: { inbound: { maxMessagesPerSession: 7 } } }, 'none'],
    ['another version of it', { ...sample, place: { version: '18-0a1b2c3d' } }, 'reload'],
    ['another address and port', { ...sample, smtp: moved }, 'reload'],
    ['another host', { ...sample, hosts: { localDelivery: [] } }, 'reload'],
    ['another queue', { ...sample, place: { queueDirectory: '/elsewhere' } }, 'restart'],
    ['another log', { ...sample, place: { logFile: null } }, 'restart'],
  ])('%s: %#', (_, wanted, change) => {
    expect(changeOf(before, rendered(wanted))).toBe(change);
  });

  it('is none for a version that Postfix is to know as an earlier one, and the guard is told as which', () => {
    const after = rendered({ ...sample, name: '18-0a1b2c3d' });
    expect(changeOf(before, after)).toBe('none');
    expect([before.guard.askedAs, after.guard.askedAs]).toEqual([undefined, '17-0a1b2c3d']);
  });

  it('is a reload where a file comes or goes', () => {
    const more = { ...before, files: { ...before.files, 'received.regexp': { text: '', secret: false } } };
    expect(changeOf(before, more)).toBe('reload');
    expect(changeOf(more, before)).toBe('reload');
  });
});
