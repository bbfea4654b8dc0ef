import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../local/ports.ts';
import type { Client } from '../shared/client.ts';
import { type MailHost, openSession, speak } from './mail-clients.ts';
import type { Senders } from './mail-senders.ts';
import { selfSigned } from './self-signed.ts';

/** Networks of loopback: of senders, who are always let in, and of clients that lists say more of. */
export const sendersAt = ['127.77.1.1', '127.77.1.2'];
const sendersNetwork = '127.77.0.0/16';
export const stranger = '127.99.9.9';

/** A Scanner with a Postfix that mail goes through while it is changed. */
export interface Scene {
  client: Client;
  scannerId: string;
  ports: { inbound: number; outbound: readonly [number, number] };
  /** Where mail is delivered to: one after the other. */
  hosts: readonly [MailHost, MailHost];
  /** Of the certificate that inbound shows where it offers TLS. */
  certificateId: string;
}

/** One change: how it is asked for, and how a client of the Scanner sees that it is in force. */
export interface Change {
  what: string;
  make(): Promise<unknown>;
  isSeen(): Promise<boolean>;
}

/** A place for a Scanner that is registered: free ports, and a certificate. */
export const openScene = async (given: Pick<Scene, 'client' | 'scannerId' | 'hosts'>): Promise<Scene> => {
  const certificate = await selfSigned('mx1.example.com');
  const { certificateId } = await given.client.call('POST /v1/certificates', {
    body: { name: 'inbound', ...certificate },
  });
  const ports = { inbound: await freePort(), outbound: [await freePort(), await freePort()] as const };
  return { ...given, ports, certificateId };
};

const at = (port: number) => ({ ipv4: { address: '127.0.0.1', port } });

const answers = async (port: number, from: string, code: string): Promise<boolean> =>
  (await speak({ port, from }, []))[0]?.startsWith(code) === true;

/** What the listener of inbound offers after EHLO. */
const offered = async ({ ports }: Scene): Promise<string> => {
  const session = await openSession({ port: ports.inbound, from: '127.77.2.1' });
  session.close();
  return session.offered;
};

/** Settings that let senders in at both listeners, seen in force. Answers the id of the host that mail goes to. */
export const configure = async (scene: Scene): Promise<string> => {
  const { client, scannerId, ports, hosts } = scene;
  const inbound = { params: { scannerId, list: 'inbound' as const } };
  const entries = [{ value: sendersNetwork }];
  await client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
    ...inbound,
    body: { entries },
  });
  await client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
    params: { scannerId, list: 'outbound' },
    body: { entries },
  });
  const { host } = await client.call('POST /v1/scanners/{scannerId}/host-lists/{list}/hosts', {
    params: { scannerId, list: 'local-delivery' },
    body: { host: '127.0.0.1', port: hosts[0].port },
  });
  await client.call('PUT /v1/scanners/{scannerId}/smtp', {
    params: { scannerId },
    body: {
      mailFiltering: 'inbound-and-outbound',
      inbound: { ...at(ports.inbound), accept: 'listed' },
      outbound: at(ports.outbound[0]),
    },
  });
  await waitFor('a stranger is refused', listedOnly(scene).isSeen);
  return host?.hostId ?? '';
};

const patch = ({ client, scannerId }: Scene, body: Record<string, unknown>) =>
  client.call('PATCH /v1/scanners/{scannerId}/smtp', { params: { scannerId }, body });

type Kind = (scene: Scene, round: number, more: { hostId: string; flow: Senders }) => Change;

/** A limit that every client is told. */
export const limit = (scene: Scene, round: number): Change => ({
  what: 'a limit',
  make: () =>
    scene.client.call('PATCH /v1/scanners/{scannerId}/smtp/advanced', {
      params: { scannerId: scene.scannerId },
      body: { inbound: { maxMessageBytes: 1_000_000 + round } },
    }),
  isSeen: async () => (await offered(scene)).includes(`SIZE ${1_000_000 + round}`),
});

const entry: Kind = ({ client, scannerId, ports }, round) => ({
  what: 'an entry of an access list',
  make: () =>
    client.call('POST /v1/scanners/{scannerId}/access-lists/{list}/entries', {
      params: { scannerId, list: 'inbound' },
      body: { entries: [{ value: `127.88.0.${round}` }] },
    }),
  isSeen: () => answers(ports.inbound, `127.88.0.${round}`, '220'),
});

const tls: Kind = (scene, round) => {
  const accept = round % 2 === 1;
  return {
    what: 'TLS on or off',
    make: () =>
      patch(scene, { inbound: { tls: { accept, certificateId: accept ? scene.certificateId : null } } }),
    isSeen: async () => (await offered(scene)).includes('STARTTLS') === accept,
  };
};

/** Inbound lets everybody in; or those on its list alone. */
export const allIn = (scene: Scene): Change => ({
  what: 'who is let in',
  make: () => patch(scene, { inbound: { accept: 'all' } }),
  isSeen: () => answers(scene.ports.inbound, stranger, '220'),
});

export const listedOnly = (scene: Scene): Change => ({
  what: 'who is let in',
  make: () => patch(scene, { inbound: { accept: 'listed' } }),
  isSeen: () => answers(scene.ports.inbound, stranger, '554'),
});

const listener: Kind = (scene, round) => {
  const port = scene.ports.outbound[round % 2 === 1 ? 1 : 0];
  return {
    what: 'the port of a listener',
    make: () => patch(scene, { outbound: at(port) }),
    isSeen: () => answers(port, '127.77.2.1', '220'),
  };
};

/** Seen by a message that was begun after the change. */
const destination: Kind = ({ client, scannerId, hosts }, round, { hostId, flow }) => {
  const host = hosts[round % 2 === 1 ? 1 : 0];
  let before = Number.POSITIVE_INFINITY;
  return {
    what: 'where mail is delivered to',
    make: async () => {
      before = flow.begun();
      await client.call('PUT /v1/scanners/{scannerId}/host-lists/{list}/hosts/{hostId}', {
        params: { scannerId, list: 'local-delivery', hostId },
        body: { host: '127.0.0.1', port: host.port },
      });
    },
    isSeen: async () =>
      host.arrived.some(({ text }) => Number(/message-(\d+)\./.exec(text)?.[1] ?? 0) > before),
  };
};

const kinds: readonly Kind[] = [limit, entry, tls, allIn, listedOnly, listener, destination];

/** Change `number`, from 0: of each kind in turn. */
export const changeOf = (scene: Scene, number: number, more: { hostId: string; flow: Senders }): Change => {
  const kind = kinds[number % kinds.length] as Kind;
  return kind(scene, Math.floor(number / kinds.length) + 1, more);
};

/** Looks again and again. A minute is more than anything here may take, but for a million networks. */
export const waitFor = async (
  what: string,
  look: () => Promise<boolean>,
  { seconds = 60, everyMs = 5 } = {},
): Promise<void> => {
  const deadline = performance.now() + seconds * 1000;
  while (!(await look().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`Not within ${seconds} s: ${what}.`);
    await sleep(everyMs);
  }
};

/** Milliseconds from the request to the API until a client is answered otherwise, as a look every so often tells. */
export const timeOf = async (
  { what, make, isSeen }: Change,
  { everyMs = 5 }: { everyMs?: number } = {},
): Promise<number> => {
  const begun = performance.now();
  await make();
  await waitFor(`a client sees ${what}`, isSeen, { everyMs });
  return performance.now() - begun;
};
