import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../local/ports.ts';
import { until } from './until.ts';

/** Where Debian's package `slapd` has its programs and schemas. */
const schemas = '/etc/ldap/schema';
const modules = '/usr/lib/ldap';
const path = [process.env['PATH'], '/usr/sbin'].join(delimiter);

/** Why no directory can be started here; null where one can. */
export const whyNoSlapd = (): string | null =>
  existsSync('/usr/sbin/slapd') && existsSync(schemas)
    ? null
    : 'there is no slapd here (Debian package slapd)';

export const suffix = 'dc=example,dc=org';
export const admin = { dn: `cn=admin,${suffix}`, password: 'of-the-administrator' };

export interface Person {
  uid: string;
  mail: string;
  password: string;
}

/** A directory of a few people, in the clear with STARTTLS, and over TLS. */
export interface Slapd {
  port: number;
  tlsPort: number;
  stop(): Promise<void>;
}

const configuration = (dir: string): string =>
  [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include ${schemas}/${name}.schema`),
    `pidfile ${dir}/slapd.pid`,
    `modulepath ${modules}`,
    'moduleload back_mdb',
    `TLSCertificateFile ${dir}/certificate.pem`,
    `TLSCertificateKeyFile ${dir}/key.pem`,
    'database mdb',
    `directory ${dir}/data`,
    `suffix "${suffix}"`,
    `rootdn "${admin.dn}"`,
    `rootpw ${admin.password}`,
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by users read by anonymous auth',
    '',
  ].join('\n');

const ldif = (people: readonly Person[]): string =>
  [
    `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n`,
    ...people.map(
      ({ uid, mail, password }) =>
        `dn: uid=${uid},${suffix}\nobjectClass: inetOrgPerson\ncn: ${uid}\nsn: ${uid}\nuid: ${uid}\nmail: ${mail}\nuserPassword: ${password}\n`,
    ),
  ].join('\n');

const answers = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
};

/** Starts a directory on free ports of loopback. */
export const startSlapd = async (
  people: readonly Person[],
  tls: { certificatePem: string; keyPem: string },
): Promise<Slapd> => {
  const dir = mkdtempSync(join(tmpdir(), 'slapd-'));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'certificate.pem'), tls.certificatePem);
  writeFileSync(join(dir, 'key.pem'), tls.keyPem, { mode: 0o600 });
  writeFileSync(join(dir, 'slapd.conf'), configuration(dir));
  writeFileSync(join(dir, 'people.ldif'), ldif(people));
  const env = { ...process.env, PATH: path };
  execFileSync('slapadd', ['-f', join(dir, 'slapd.conf'), '-l', join(dir, 'people.ldif')], {
    env,
    stdio: 'pipe',
  });
  const [port, tlsPort] = [await freePort(), await freePort()];
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`;
  const child = spawn('slapd', ['-f', join(dir, 'slapd.conf'), '-h', urls, '-d', '0'], {
    env,
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await until('the directory answers', async () => (await answers(port)) && (await answers(tlsPort)));
  return {
    port,
    tlsPort,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
