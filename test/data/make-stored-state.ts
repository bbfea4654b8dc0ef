import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from '../../functions/stores/dynamo.ts';
import { make } from '../helpers/certificates.ts';
import { startStackProcess } from '../helpers/stack.ts';
import { dumpState } from '../helpers/stored-state.ts';
import { until } from '../helpers/until.ts';

/**
 * Writes what this version of the control plane stores: a little of everything. Run it before the format changes, and keep the file for
 * good: `npx node test/data/make-stored-state.ts`. Later versions are tested against it.
 */
const stack = await startStackProcess();

const call = async <T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> => {
  const keyed: Record<string, string> =
    path === '/scanners' ? { 'idempotency-key': JSON.stringify(body).replaceAll(' ', '') } : {};
  const answer = await stack.call(method, path, body, keyed);
  if (answer.status === 500 && path === '/scanners') return call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as T;
};

const settings = (certificateId: string) => ({
  mailFiltering: 'inbound-and-outbound',
  inbound: {
    ipv4: { address: '192.0.2.10', port: 25 },
    tls: { accept: true, certificateId, clientCertificate: 'request' },
    accept: 'listed',
  },
  outbound: { ipv4: { address: '192.0.2.10', port: 26 } },
  authentication: {
    enabled: true,
    ipv4: { address: '192.0.2.10', port: 587 },
    source: { type: 'ldap' },
    accept: 'all',
  },
});

const entries = [
  { value: '192.0.2.0/24', comment: 'Lyon office' },
  { value: '2001:db8::/32' },
  { value: '.example.com', enabled: false },
  { value: 'partner.example.org' },
];

const fleet = async () => {
  const forAges = 36_500;
  const root = await make({ subject: 'CN=Root', isAuthority: true, until: forAges });
  const leaf = await make({ names: ['mx.example.com'], issuer: root, until: forAges });
  const { certificateId } = await call<{ certificateId: string }>('POST', '/certificates', {
    name: 'mail',
    certificatePem: leaf.pem,
    privateKeyPem: leaf.keyPem,
  });
  const { clientAuthorityId } = await call<{ clientAuthorityId: string }>('POST', '/client-authorities', {
    name: 'partners',
    certificatePem: root.pem,
  });
  const { directorySourceId } = await call<{ directorySourceId: string }>('POST', '/directory-sources', {
    name: 'staff',
    functions: ['authentication'],
    host: 'ldap.example.com',
    baseDn: 'dc=example,dc=com',
    bindDn: 'cn=scanner,dc=example,dc=com',
    bindPassword: 'of-no-use',
    userFilter: '(uid=%s)',
  });
  return { certificateId, clientAuthorityId, directorySourceId };
};

const scanners = async (certificateId: string) => {
  for (const scannerId of ['mx1', 'mx2', 'mx3'])
    await call('POST', '/scanners', { scannerId, labels: { site: 'lyon' }, description: `Scanner ${scannerId}` });
  const lists = '/scanners/mx1/access-lists';
  await call('POST', `${lists}/inbound/entries`, { entries });
  await call('POST', `${lists}/outbound/entries`, { entries: [{ value: '198.51.100.0/24' }] });
  await call('POST', '/scanners/mx1/host-lists/local-delivery/hosts', { host: 'mail.example.com', port: 25 });
  await call('PUT', '/scanners/mx1/smtp', settings(certificateId));
  await call('PUT', '/scanners/mx2/smtp', {
    mailFiltering: 'inbound',
    inbound: { ipv4: { address: '192.0.2.20', port: 25 } },
  });
  await call('POST', `${lists}/inbound/entries`, { entries: [{ value: '203.0.113.7' }] });
  await call('DELETE', '/scanners/mx3');
};

const importing = async (): Promise<string> => {
  const body = { mode: 'merge', onInvalid: 'skip' };
  const path = '/scanners/mx1/access-lists/inbound/imports';
  const { importId, upload } = await call<{ importId: string; upload: { url: string; fields: Record<string, string> } }>(
    'POST',
    path,
    body,
  );
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.set(name, value);
  form.set('file', new Blob(['198.51.100.1\n198.51.100.300\n']));
  const { status } = await fetch(upload.url, { method: 'POST', body: form });
  if (status >= 300) throw new Error(`upload: ${status}`);
  await until('the import ends', async () => (await call(`GET`, `/imports/${importId}`))['state'] === 'completed');
  return importId;
};

const rollingOut = async (): Promise<string> => {
  const { rolloutId } = await call<{ rolloutId: string }>('POST', '/rollouts', {
    source: 'mx1',
    targets: { scannerIds: ['mx2'] },
  });
  await until('the rollout has decided', async () => {
    const { counts } = await call<{ counts: { pending: number } }>('GET', `/rollouts/${rolloutId}`);
    return counts.pending === 0;
  });
  return rolloutId;
};

try {
  const { certificateId, clientAuthorityId, directorySourceId } = await fleet();
  await scanners(certificateId);
  const importId = await importing();
  const rolloutId = await rollingOut();
  await until('all is done', () => stack.queuesAreEmpty());
  const list = '/scanners/mx1/access-lists/inbound';
  const paths = [
    '/scanners/mx1/smtp',
    '/scanners/mx1/smtp/advanced',
    '/scanners/mx2/smtp',
    list,
    `${list}/entries?page=1`,
    `${list}/entries?page=1&revision=2`,
    `${list}/entry?value=192.0.2.0/24`,
    '/scanners/mx1/access-lists/outbound',
    '/scanners/mx1/host-lists/local-delivery',
    '/scanners/mx1/revisions',
    '/scanners/mx1/revisions/1',
    '/scanners/mx1/revisions/4/diff?from=2',
    '/scanners/mx1/audit',
    '/scanners/mx3/revisions',
    '/certificates',
    `/certificates/${certificateId}`,
    `/client-authorities/${clientAuthorityId}`,
    `/directory-sources/${directorySourceId}`,
    `/imports/${importId}`,
    '/imports?scannerId=mx1',
    `/rollouts/${rolloutId}`,
    `/rollouts/${rolloutId}/targets`,
  ];
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  const state = await dumpState(stack, paths, commit);
  const file = join(import.meta.dirname, `stored-state-${format}.json`);
  writeFileSync(file, `${JSON.stringify(state, null, 1)}\n`);
  console.log(`${file}: ${state.items.length} items, ${state.objects.length} objects, ${paths.length} answers`);
} finally {
  await stack.stop();
}
