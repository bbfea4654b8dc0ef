import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalAdvanced } from '../../shared/domain/advanced.ts';
import { canonicalSettings } from '../../shared/domain/settings.ts';
import type { Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import { advancedSettings, defaultAdvanced } from '../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../shared/schemas/smtp.ts';
import { type ApiAnswer, keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { inboundSettings, register, s3Of, save } from './support.ts';

let stack: StackProcess;
beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
});
afterAll(() => stack?.stop());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  stack.call(method, path, body, headers);
const problemsIn = ({ body }: ApiAnswer) =>
  (body as { errors: { pointer: string; code: string }[] }).errors
    .map(({ pointer, code }) => `${code} ${pointer}`)
    .sort();
const warningsIn = ({ body }: ApiAnswer) =>
  (body as { warnings: { pointer: string; code: string }[] }).warnings.map(
    ({ pointer, code }) => `${code} ${pointer}`,
  );

let count = 0;
/** A Scanner of its own, without settings: revision 1. */
const registered = async (): Promise<string> => {
  count += 1;
  const id = `settings-${count}`;
  await register(stack, id);
  return id;
};

/** Every version of every object in the bucket. */
const versions = async (): Promise<unknown[]> => {
  const s3 = s3Of(stack);
  const list = new ListObjectVersionsCommand({ Bucket: stack.endpoints.bucket });
  const { Versions = [] } = await s3.send(list);
  s3.destroy();
  return Versions.map(({ Key, VersionId }) => [Key, VersionId]);
};

const local = (port: number) => ({ address: '127.0.0.1', port });
const whole = {
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: local(25) },
  outbound: { ipv4: local(26) },
  authentication: {
    enabled: true,
    ipv4: local(587),
    source: { type: 'smtp-forwarding', host: 'auth.example.com', port: 587, tls: 'required' },
  },
};

describe('the whole settings document', () => {
  it('is answered with every default', async () => {
    const id = await registered();
    const answer = await call('PUT', `/scanners/${id}/smtp`, whole);

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      inbound: { tls: { accept: false, certificateId: null, require: false, clientCertificate: 'none' } },
      outbound: { tls: { accept: false, certificateId: null }, nonLocalDelivery: 'mx' },
      authentication: { source: whole.authentication.source, accept: 'all' },
    });
    expect(warningsIn(answer)).toEqual(
      expect.arrayContaining([
        'AUTHENTICATION_WITHOUT_TLS /authentication/tls/require',
        'LOCAL_DELIVERY_EMPTY /inbound',
        'LIST_EMPTY /outbound',
      ]),
    );
  });

  it('is refused with every rule that it breaks, those of the fleet among them', async () => {
    const id = await registered();
    const gone = 'cert-00000000000000ff';
    const answer = await call('PUT', `/scanners/${id}/smtp`, {
      ...whole,
      inbound: {
        ipv4: local(25),
        tls: { accept: true, certificateId: gone, require: true, clientCertificate: 'require' },
      },
      authentication: { ...whole.authentication, source: { type: 'ldap' } },
    });

    expect(answer.status).toBe(422);
    expect(problemsIn(answer)).toEqual([
      'CERTIFICATE_NOT_FOUND /inbound/tls/certificateId',
      'CLIENT_CA_REQUIRED /inbound/tls/clientCertificate',
      'DIRECTORY_SOURCE_REQUIRED /authentication/source',
    ]);
  });

  it('under a patch says how to be rid of what is left of before', async () => {
    const id = await registered();
    await call('PUT', `/scanners/${id}/smtp`, whole);
    const answer = await call('PATCH', `/scanners/${id}/smtp`, {
      authentication: { source: { type: 'ldap' } },
    });

    expect(answer.status).toBe(422);
    expect(problemsIn(answer)).toEqual(
      ['host', 'port', 'tls'].map((name) => `UNKNOWN_FIELD /authentication/source/${name}`),
    );
    for (const { suggestion } of (answer.body as { errors: { suggestion?: string }[] }).errors)
      expect(suggestion).toMatch(/null takes it out/);
  });

  it('under a mode that hides sections warns of them, and they come back from the revision that it names', async () => {
    const id = await registered();
    await call('PUT', `/scanners/${id}/smtp`, whole);
    const answer = await call('PATCH', `/scanners/${id}/smtp`, { mailFiltering: 'inbound' });

    expect(warningsIn(answer)).toEqual(
      expect.arrayContaining(['SECTION_GONE /outbound', 'SECTION_GONE /authentication']),
    );
    const { warnings } = answer.body as { warnings: { code: string; message: string }[] };
    const told = warnings.find(({ code }) => code === 'SECTION_GONE')?.message;
    const revision = /Revision (\d+) has it/.exec(told ?? '')?.[1];
    const restored = await call('POST', `/scanners/${id}/revisions/${revision}/restore`);
    expect(restored.body).toMatchObject(whole);
  });

  it('tells rules of the document together, before it looks at the fleet', async () => {
    const id = await registered();
    const answer = await call('PUT', `/scanners/${id}/smtp`, {
      ...whole,
      inbound: { ipv4: local(25), tls: { accept: false, require: true } },
      outbound: { ipv4: local(0), tls: { accept: true, require: true } },
      authentication: { enabled: true, ipv4: local(25) },
    });

    expect(problemsIn(answer)).toEqual([
      'CERTIFICATE_REQUIRED /outbound/tls/certificateId',
      'LISTENER_CONFLICT /authentication/ipv4',
      'PORT_OUT_OF_RANGE /outbound/ipv4/port',
      'REQUIRED /authentication/source',
      'TLS_FIELDS_WITHOUT_TLS /inbound/tls/require',
      'UNKNOWN_FIELD /outbound/tls/require',
    ]);
  });
});

describe('advanced settings', () => {
  it('are their defaults before anyone saved them', async () => {
    const id = await registered();
    const answer = await call('GET', `/scanners/${id}/smtp/advanced`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.body).toMatchObject({ ...defaultAdvanced(), revision: 1, warnings: [] });
  });

  it('are a revision of the same configuration, with a part of their own for If-Match', async () => {
    const id = await registered();
    await save(stack, id, inboundSettings());
    const answer = await call('PUT', `/scanners/${id}/smtp/advanced`, { delivery: { minRetryMinutes: 5 } });

    expect(answer.body).toMatchObject({
      revision: 3,
      delivery: { minRetryMinutes: 5, maxRetryMinutes: 420 },
    });
    expect((await call('GET', `/scanners/${id}/smtp`)).body).toMatchObject({ revision: 3 });
    const settings = await call('PUT', `/scanners/${id}/smtp`, inboundSettings(26), { 'if-match': '"2"' });
    const advanced = await call('PUT', `/scanners/${id}/smtp/advanced`, {}, { 'if-match': '"2"' });
    expect(settings.status).toBe(200);
    expect(advanced).toMatchObject({ status: 412, body: { code: 'REVISION_CONFLICT', revision: 4 } });
  });

  it('come back to a default where a patch says null, and make no revision where nothing changes', async () => {
    const id = await registered();
    const path = `/scanners/${id}/smtp/advanced`;
    const merge = { 'content-type': 'application/merge-patch+json' };
    await call(
      'PATCH',
      path,
      { delivery: { minRetryMinutes: 5 }, outbound: { defaultSenderDomain: 'Example.com' } },
      merge,
    );
    const back = await call('PATCH', path, { delivery: { minRetryMinutes: null } }, merge);
    const again = await call('PATCH', path, { delivery: { minRetryMinutes: null } }, merge);

    expect(back.body).toMatchObject({
      revision: 3,
      delivery: { minRetryMinutes: 15 },
      outbound: { defaultSenderDomain: 'example.com' },
    });
    expect(again.body).toMatchObject({ revision: 3 });
  });

  it('are refused with everything that is wrong', async () => {
    const id = await registered();
    const answer = await call('PUT', `/scanners/${id}/smtp/advanced`, {
      inbound: { ipv6Prefix: 129, colour: 1 },
      delivery: { maxRecipientsPerMessage: 1025, minRetryMinutes: 500 },
      bindings: { local: '192.0.2', domains: [{ domain: 'x y', sources: [] }] },
    });

    expect(answer.status).toBe(422);
    expect(problemsIn(answer)).toEqual([
      'ADDRESS_INVALID /bindings/local',
      'DOMAIN_INVALID /bindings/domains/0/domain',
      'LIMIT_CONFLICT /delivery/minRetryMinutes',
      'UNKNOWN_FIELD /inbound/colour',
      'VALUE_INVALID /bindings/domains/0/sources',
      'VALUE_INVALID /delivery/maxRecipientsPerMessage',
      'VALUE_INVALID /inbound/ipv6Prefix',
    ]);
  });

  it('are part of the history: differences name them, and a restore brings them back', async () => {
    const id = await registered();
    await save(stack, id, inboundSettings());
    const path = `/scanners/${id}/smtp/advanced`;
    const bindings = { domains: [{ domain: 'example.com', sources: ['inbound'] }] };
    await call('PUT', path, { inbound: { maxConnections: 7 }, bindings });
    await call('PUT', path, {});

    expect((await call('GET', `/scanners/${id}/revisions/4/diff`)).body).toMatchObject({
      changes: [
        { pointer: '/advanced/bindings/domains', before: bindings.domains, after: [] },
        { pointer: '/advanced/inbound/maxConnections', before: 7, after: 2000 },
      ],
    });
    await call('POST', `/scanners/${id}/revisions/3/restore`);
    expect((await call('GET', path)).body).toMatchObject({
      revision: 5,
      inbound: { maxConnections: 7 },
      bindings,
    });
  });
});

describe('an accepted document', () => {
  const port = fc.integer({ min: 1024, max: 65535 });
  const listener = port.map((number) => ({ address: '127.0.0.1', port: number }));
  const settings = fc.record({
    mailFiltering: fc.constant('inbound-and-outbound'),
    inbound: fc.record({ ipv4: listener, accept: fc.constant('all') }, { requiredKeys: ['ipv4'] }),
    outbound: fc.record({ ipv4: listener, tls: fc.constant({ accept: false }) }, { requiredKeys: ['ipv4'] }),
    authentication: fc.oneof(
      fc.constant({ enabled: false }),
      fc.record({
        enabled: fc.constant(true),
        ipv4: port.map((number) => ({ address: '127.0.0.2', port: number })),
        source: fc.constant({ type: 'smtp-forwarding', host: 'AUTH.Example.com.' }),
      }),
    ),
  });
  const advanced = fc.record(
    {
      inbound: fc.record({ maxConnections: fc.integer({ min: 1, max: 50_000 }) }),
      bindings: fc.record({ local: fc.constantFrom('auto', 'inbound', '2001:DB8::0:1') }),
    },
    { requiredKeys: [] },
  );

  it('reads back as its canonical form, and put back changes nothing', async () => {
    const id = await registered();
    await fc.assert(
      fc.asyncProperty(settings, advanced, async (one, other) => {
        await save(stack, id, one);
        await call('PUT', `/scanners/${id}/smtp/advanced`, other);
        const { body: smtp } = await call('GET', `/scanners/${id}/smtp`);
        const { body: more } = await call('GET', `/scanners/${id}/smtp/advanced`);
        expect(smtp).toMatchObject(canonicalSettings(smtpSettings.parse(one)));
        expect(more).toMatchObject(canonicalAdvanced(advancedSettings.parse(other)));
        const again = await call('PUT', `/scanners/${id}/smtp`, smtp);
        expect(again.body).toMatchObject({ revision: (more as { revision: number }).revision });
        expect(warningsIn(again).filter((warning) => warning.startsWith('READ_ONLY_IGNORED'))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a dry run', () => {
  it('of a registration says what would be, registers nobody and stores nothing', async () => {
    const stored = await versions();
    const dry = await call('POST', '/scanners?dryRun=true', { scannerId: 'settings-dry' });
    expect(dry).toMatchObject({ status: 201, body: { scannerId: 'settings-dry', revision: 1 } });
    expect((await call('GET', '/scanners/settings-dry')).status).toBe(404);
    expect(await versions()).toEqual(stored);
    const taken = await call('POST', '/scanners?dryRun=true', { scannerId: await registered() });
    expect(taken).toMatchObject({ status: 409, body: { code: 'SCANNER_EXISTS' } });
  });

  it('is known to every write but those that issue something: a certificate, an upload form', () => {
    const writes = (operations as readonly Operation[]).filter(({ method }) => method !== 'GET');
    const without = writes.filter(({ query }) => query?.shape['dryRun'] === undefined).map(({ id }) => id);
    expect(without).toEqual(['create-import', 'create-scanner-certificate']);
  });

  it('of advanced settings stores nothing', async () => {
    const id = await registered();
    const path = `/scanners/${id}/smtp/advanced`;
    const dry = await call('PUT', `${path}?dryRun=true`, { delivery: { minRetryMinutes: 5 } });
    expect(dry).toMatchObject({ status: 200, body: { revision: 2, delivery: { minRetryMinutes: 5 } } });
    expect((await call('GET', path)).body).toMatchObject({ revision: 1, delivery: { minRetryMinutes: 15 } });
  });
});

describe('many writers of one Scanner', () => {
  it('who saw the same revision: one wins, the other gets 412 with the present one', async () => {
    const id = await registered();
    await save(stack, id, inboundSettings());
    const answers = await Promise.all(
      [2525, 2626].map((port) =>
        call('PUT', `/scanners/${id}/smtp`, inboundSettings(port), { 'if-match': '"2"' }),
      ),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(answers.find(({ status }) => status === 412)?.body).toMatchObject({
      code: 'REVISION_CONFLICT',
      revision: 3,
    });
  });

  it('are each answered with a revision of their own, and all of them are in the audit', async () => {
    const id = await registered();
    await save(stack, id, inboundSettings());
    const writes = 60;
    const write = async (port: number): Promise<number> => {
      const { status, body } = await call('PUT', `/scanners/${id}/smtp`, inboundSettings(port));
      if (status === 429) return write(port);
      expect(status).toBe(200);
      return (body as { revision: number }).revision;
    };
    const made: number[] = [];
    for (let from = 0; from < writes; from += 6)
      made.push(...(await Promise.all([1, 2, 3, 4, 5, 6].map((more) => write(1024 + from + more)))));

    expect(made.sort((one, other) => one - other)).toEqual(
      Array.from({ length: writes }, (_, index) => index + 3),
    );
    const { body } = await call('GET', `/scanners/${id}/audit?limit=1000`);
    const { items } = body as { items: { after: { smtp?: { inbound: { ipv4: { port: number } } } } }[] };
    expect(new Set(items.map(({ after }) => after.smtp?.inbound.ipv4.port)).size).toBe(writes + 2);
  });
});
