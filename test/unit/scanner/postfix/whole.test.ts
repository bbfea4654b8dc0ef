import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { guardConfiguration } from '../../../../scanner/postfix/guard-configuration.ts';
import { rendered, samples } from './inputs.ts';

const data = 'test/data/postfix';

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

describe.each(Object.entries(samples))('the whole configuration %s', (name, sample) => {
  it('is file by file what was read and approved', async () => {
    const { files } = rendered(sample);
    for (const [path, { text }] of Object.entries(files))
      await expect(text).toMatchFileSnapshot(join(process.cwd(), data, name, path));
    expect(filesBelow(join(data, name))).toEqual(Object.keys(files).sort());
  });

  it('tells the guard what the guard can read', () => {
    const { guard, files } = rendered(sample);
    expect(guardConfiguration.parse(JSON.parse(files['guard.json']?.text ?? ''))).toEqual(guard);
  });

  it('keeps keys and the marker from all but root', () => {
    const { files } = rendered(sample);
    const told = Object.values(files).filter(
      ({ text, secret }) => !secret && /PRIVATE KEY|00112233445566778899aabbccddeeff/.test(text),
    );
    expect(told).toEqual([]);
  });
});

const postfix = '/usr/sbin/postfix';
const lacking = [
  ...(existsSync(postfix) ? [] : ['Postfix is not installed']),
  ...(process.getuid?.() === 0 ? [] : ['only root can run Postfix']),
].join(', ');

describe("Postfix's own tools", () => {
  const root = mkdtempSync(join(tmpdir(), 'render-postfix-'));
  chmodSync(root, 0o755);
  afterAll(() => rmSync(root, { recursive: true }));

  const place = (name: string) => ({
    folder: join(root, name, 'version'),
    queueDirectory: join(root, name, 'queue'),
    dataDirectory: join(root, name, 'data'),
    logFile: null,
  });

  const written = (name: string) => {
    const { folder, queueDirectory, dataDirectory } = place(name);
    const { files } = rendered({ ...(samples[name] as (typeof samples)[string]), place: place(name) });
    for (const path of [folder, queueDirectory, dataDirectory]) mkdirSync(path, { recursive: true });
    execFileSync('chown', ['postfix', dataDirectory]);
    for (const [path, { text }] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  };

  /** All that a tool says, errors among it. */
  const said = (command: string) => execFileSync('sh', ['-c', `${command} 2>&1`], { encoding: 'utf8' });

  it.for(Object.keys(samples))('find nothing to say of %s', (name, { skip }) => {
    skip(lacking !== '', lacking);
    const folder = written(name);
    expect(said(`postfix -c ${folder} check`)).toBe('');
    // What postconf says of parameters that nothing knows or uses, it says as warnings.
    for (const option of ['-n', '-M', '-P'])
      expect(said(`postconf -c ${folder} ${option}`)).not.toContain(': warning:');
  });

  it('would say so of a parameter that nothing uses', ({ skip }) => {
    skip(lacking !== '', lacking);
    const folder = written('inbound-default');
    writeFileSync(join(folder, 'main.cf'), 'smtpd_nonsense = 1\n', { flag: 'a' });
    expect(said(`postconf -c ${folder} -n`)).toContain('unused parameter: smtpd_nonsense');
  });

  it('look each sender and recipient up as it was meant', ({ skip }) => {
    skip(lacking !== '', lacking);
    const folder = written('everything-apart');
    const found = (key: string, name: string) =>
      said(
        `postmap -c ${folder} -q '${key}' "$(postconf -c ${folder} -hx ${name} | sed 's/}, pipemap.*/}/')"`,
      ).trim();
    const senders = 'sender_dependent_default_transport_maps';
    expect(found('@example.org', senders)).toBe('external_2:relay.example.net:25, [203.0.113.7]:25');
    expect(found('example.net', 'transport_maps')).toMatch(/^internal:\[10\.0\.0\.[56]\]/);
  });
});
