import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Certificate } from '../../shared/schemas/certificates.ts';
import type { Rollout, RolloutPlan } from '../../shared/schemas/rollouts.ts';
import { makeChain } from '../helpers/certificates.ts';
import { type Puppet, startPuppet } from '../helpers/puppet.ts';
import { type ApiAnswer, keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { inSync, register, sync } from './support.ts';

/**
 * A configuration with everything in it for which a part of the fleet is read: a certificate, directories, bindings, a shared listener with domains, a
 * network so wide that the outbound list opens a relay.
 */

let stack: StackProcess;
let puppet: Puppet;
let certificateId: string;
beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
  const { upload } = await makeChain();
  const made = await stack.call('POST', '/certificates', {
    name: 'mx',
    ...upload,
  });
  certificateId = (made.body as Certificate).certificateId;
  const directory = { name: 'people', functions: ['authentication'], host: 'ldap.example.com', port: 636 };
  const more = { tls: 'ldaps', bindDn: null, baseDn: 'dc=example', userFilter: '(uid=%u)' };
  const answer = await stack.call('POST', '/directory-sources', { ...directory, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  await register(stack, 'origin');
  puppet = await startPuppet(stack, 'target', {});
});
afterAll(async () => {
  await puppet?.close();
  await stack?.stop();
});

const listener = { ipv4: { address: '127.0.0.1', port: 2525 } };
const settings = (source: object) => ({
  mailFiltering: 'inbound-and-outbound',
  inbound: { ...listener, accept: 'listed', tls: { accept: true, certificateId } },
  outbound: listener,
  authentication: { enabled: true, ipv4: { address: '127.0.0.1', port: 2587 }, accept: 'all', source },
});
const forwarding = { type: 'smtp-forwarding', host: 'users.example.com', port: 25, tls: 'required' };

const ok = async (method: string, path: string, body: unknown, headers = {}): Promise<ApiAnswer> => {
  const answer = await stack.call(method, path, body, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer;
};
const configure = async (id: string, source: object): Promise<number> => {
  for (const [list, value] of [
    ['inbound', 'example.com'],
    ['outbound', '192.0.2.0/24'],
  ])
    await ok('POST', `/scanners/${id}/access-lists/${list}/entries`, { entries: [{ value }] });
  await ok('PUT', `/scanners/${id}/smtp`, settings(source));
  const bindings = { domains: [{ domain: 'example.com', sources: ['127.0.0.1'] }] };
  const answer = await ok('PATCH', `/scanners/${id}/smtp/advanced`, { bindings });
  return (answer.body as { revision: number }).revision;
};
const sourceOf = async (id: string) =>
  ((await stack.call('GET', `/scanners/${id}/smtp`)).body as { authentication: { source: object } })
    .authentication.source;
const inState = (id: string, state: Rollout['state']): Promise<Rollout> =>
  until(`rollout ${id} is ${state}`, async () => {
    const rollout = (await stack.call('GET', `/rollouts/${id}`)).body as Rollout;
    return rollout.state === state && !rollout.reverting ? rollout : undefined;
  });

describe('a configuration with everything in it', () => {
  let before: number;

  it('is applied', async () => {
    before = await configure('origin', forwarding);
    await ok('PUT', '/scanners/origin/smtp', settings({ type: 'ldap' }));
    const wide = { entries: [{ value: '0.0.0.0/1' }] };
    await ok('POST', '/scanners/origin/access-lists/outbound/entries?acknowledge=open-relay', wide);
    await inSync(stack, 'target', await configure('target', forwarding));
    await until('it is seen as connected', async () => (await sync(stack, 'target')).connected);
  });

  it('is rolled out, with what the fleet has and without what is the target’s own, and taken back', async () => {
    const rollout = { source: 'origin', targets: { scannerIds: ['target'] } };
    const acknowledged = '/rollouts?acknowledge=open-relay';
    const plan = async (path: string) =>
      ((await ok('POST', path, { ...rollout, dryRun: true })).body as RolloutPlan).targets.items;
    expect(await plan('/rollouts')).toMatchObject([
      { outcome: 'invalid', errors: [{ pointer: '/lists/outbound', code: 'OPEN_RELAY' }] },
    ]);
    expect(await plan(acknowledged)).toMatchObject([{ outcome: 'pending' }]);

    const { rolloutId } = (await ok('POST', acknowledged, rollout)).body as Rollout;
    expect(await inState(rolloutId, 'completed')).toMatchObject({ counts: { applied: 1 } });
    expect(await sourceOf('target')).toEqual({ type: 'ldap' });

    await ok('POST', `/rollouts/${rolloutId}/revert`, {});
    expect(await inState(rolloutId, 'reverted')).toMatchObject({ counts: { reverted: 1 } });
    expect(await sourceOf('target')).toMatchObject({ type: 'smtp-forwarding' });
  });

  it('is restored, once for one Idempotency-Key, and left again', async () => {
    const restore = (revision: number, key: string) =>
      ok('POST', `/scanners/origin/revisions/${revision}/restore`, undefined, { 'idempotency-key': key });
    const first = await restore(before, 'back');
    expect(await restore(before, 'back')).toMatchObject({ status: first.status, body: first.body });
    expect(await sourceOf('origin')).toMatchObject({ type: 'smtp-forwarding' });
    await restore(before + 1, 'forth');
    expect(await sourceOf('origin')).toEqual({ type: 'ldap' });
  });
});
