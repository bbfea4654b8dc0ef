import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { loadState, putItems, putObjects, type StoredState, storedItems } from '../helpers/stored-state.ts';
import { until } from '../helpers/until.ts';

const files = readdirSync('test/data').filter((file) => /^stored-state-\d+\.json$/.test(file));

/** The revision and its time move on; whatever else an older version answered, this one does, too. */
const answersAsBefore = async (stack: StackProcess, { answers }: StoredState): Promise<void> => {
  for (const [path, before] of Object.entries(answers)) {
    const { status, body } = await stack.call('GET', path);
    expect([path, status]).toEqual([path, 200]);
    expect(body).toMatchObject(before as object);
  }
};

const idIn = ({ answers }: StoredState, prefix: string): string => {
  const path = Object.keys(answers).find((one) => one.startsWith(prefix) && one !== prefix) ?? '';
  return path.slice(prefix.length + 1).split('/')[0] ?? '';
};

describe.each(files)('what an earlier version stored: %s', (file) => {
  const state = JSON.parse(readFileSync(`test/data/${file}`, 'utf8')) as StoredState;
  let stack: StackProcess;
  beforeAll(async () => {
    stack = await startStackProcess();
    await loadState(stack, state);
  });
  afterAll(() => stack?.stop());

  const revisionOf = async (scannerId: string): Promise<number> =>
    ((await stack.call('GET', `/scanners/${scannerId}/smtp`)).body as { revision: number }).revision;

  it('is answered as that version did', () => answersAsBefore(stack, state));

  const inbound = '/scanners/mx1/access-lists/inbound';
  it.each<[string, string, string, unknown]>([
    ['settings', 'PATCH', '/scanners/mx1/smtp', { inbound: { ipv4: { port: 2525 } } }],
    ['advanced settings', 'PATCH', '/scanners/mx1/smtp/advanced', { delivery: { minRetryMinutes: 20 } }],
    ['a list', 'POST', `${inbound}/entries`, { entries: [{ value: '192.0.2.200' }] }],
    ['an entry', 'PATCH', `${inbound}/entry?value=192.0.2.0/24`, { comment: 'Lyon, and Nantes' }],
    ['a list by that of another', 'POST', '/scanners/mx2/access-lists/inbound/copy', { from: 'mx1' }],
    ['a host list', 'POST', '/scanners/mx1/host-lists/relay/hosts', { host: 'relay.example.com' }],
    ['labels', 'PATCH', '/scanners/mx1', { labels: { site: 'nantes' } }],
    ['by going back', 'POST', '/scanners/mx1/revisions/7/restore', {}],
  ])('takes a change: %s', async (_, method, path, body) => {
    const answer = await stack.call(method, path, body);
    expect(answer.body).not.toHaveProperty('code');
    expect(answer.status).toBeLessThan(300);
  });

  const directoriesOfMx1 = async (): Promise<string | undefined> => {
    const answer = await stack.call('GET', `/scanners/mx1/revisions/${await revisionOf('mx1')}`);
    return (answer.body as { artifacts: Record<string, string> }).artifacts['directory-sources'];
  };

  it('takes a change of what belongs to the fleet, and its secret is read again', async () => {
    const asked = await directoriesOfMx1();
    const id = idIn(state, '/directory-sources');
    const put = await stack.call('PUT', `/directory-sources/${id}`, {
      name: 'staff',
      functions: ['authentication'],
      host: 'ldap.example.com',
      baseDn: 'dc=example,dc=com',
      bindDn: 'cn=scanner,dc=example,dc=com',
      userFilter: '(uid=%s)',
      timeoutSeconds: 20,
    });
    expect(put).toMatchObject({ status: 200, body: { timeoutSeconds: 20, hasBindPassword: true } });
    // A worker makes a revision of it, some time later: what follows would find it in its middle.
    await until('mx1 has the change', async () => (await directoriesOfMx1()) !== asked);
  });

  it('is what fsck finds in order, with the changes', async () => {
    const run = promisify(execFile)(process.execPath, ['scripts/fsck.ts', '--data', stack.dir]);
    const { stdout } = await run;
    expect(stdout).not.toBe('');
  });

  it('may be decommissioned', async () => {
    expect((await stack.call('DELETE', '/scanners/mx2')).status).toBe(202);
  });

  it('has a format on every item, before and after', async () => {
    for (const items of [state.items, await storedItems(stack)])
      expect(items.filter((item) => item['format']?.N === undefined)).toEqual([]);
  });

  it('of a format that is to come is refused by name, and never misread or overwritten', async () => {
    const head = (await storedItems(stack)).find(({ pk, sk }) => pk?.S === 'scanner#mx1' && sk?.S === 'head');
    const before = await revisionOf('mx1');
    await putItems(stack, [{ ...head, format: { N: '2' } }]);
    const refused = { status: 503, body: { code: 'STORED_FORMAT' } };
    expect(await stack.call('GET', '/scanners/mx1/smtp')).toMatchObject(refused);
    const change = { entries: [{ value: '192.0.2.201' }] };
    const edit = await stack.call('POST', `${inbound}/entries`, change);
    expect(edit).toMatchObject(refused);
    expect(edit.headers.get('retry-after')).not.toBeNull();
    await putItems(stack, [{ ...head }]);
    expect(await revisionOf('mx1')).toBe(before);
  });

  it('and so is a list whose manifest has a format that is to come, with its chunks', async () => {
    const { body } = await stack.call('GET', inbound);
    const text = JSON.stringify({ format: 2, entries: 1, pieces: [] });
    const key = `lists/manifests/${(body as { root: string }).root}`;
    await putObjects(stack, [{ key, body: gzipSync(text).toString('base64'), type: 'application/json' }]);
    expect(await stack.call('GET', `${inbound}/entries?page=1`)).toMatchObject({
      status: 503,
      body: { code: 'STORED_FORMAT' },
    });
  });
});
