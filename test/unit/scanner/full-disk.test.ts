import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import * as nodeFiles from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSink } from '../../../scanner/folder-sink.ts';
import { makeFolder } from '../../../scanner/make-folder.ts';
import { type Memory, reconcile } from '../../../scanner/reconcile.ts';
import type { Files } from '../../../scanner/version-folder.ts';
import type { Desired } from '../../../shared/domain/desired.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { desired, pair, shadowTls } from './documents.ts';
import { emptyFolder, inForce } from './folder.ts';
import { shadowsOf } from './shadows-of.ts';

/** What the system says of a write to such a disk. */
const faults = {
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
} as const;
type Fault = keyof typeof faults;

const failing = (code: Fault | 'ENOENT') => {
  const text = code === 'ENOENT' ? 'no such file or directory' : faults[code];
  throw Object.assign(new Error(`${code}: ${text}, write`), { code });
};

/** As Node has it on a read-only disk: a recursive `mkdir` of what is not there says ENOENT, and so does a plain one in what is not there. */
const readOnlyMkdir = (path: string, recursive: boolean): void => {
  if (recursive && existsSync(path)) return;
  failing(recursive || !existsSync(dirname(path)) ? 'ENOENT' : 'EROFS');
};

/** The real file system; while there is a fault, a full disk takes no bytes into a file, and a read-only one takes nothing. */
const brokenFiles = (fault: { present?: Fault }): Files => {
  const handle = (real: FileHandle): FileHandle =>
    new Proxy(real, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (name === 'appendFile' && fault.present) return async () => failing(fault.present as Fault);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return new Proxy(nodeFiles, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
      const writes = ['link', 'mkdir', 'rename', 'rm', 'symlink', 'writeFile'].includes(String(name));
      return async (...args: unknown[]) => {
        const [path, options] = args as [string, { recursive?: boolean } | undefined];
        if (name === 'mkdir' && fault.present === 'EROFS')
          return readOnlyMkdir(path, options?.recursive === true);
        if (writes && fault.present === 'EROFS') failing('EROFS');
        const result = await value.apply(target, args);
        return name === 'open' ? handle(result as FileHandle) : result;
      };
    },
  });
};

const settings = (revision: number, port: number): Desired =>
  pair(
    desired({
      revision,
      inbound: { ipv4: { address: '192.0.2.1', port }, tls: shadowTls, accept: 'all' },
      lists: {},
    }),
  );

/** A Scanner on a real folder, over the embedded shadow service. */
const scannerOn = (dir: string, fault: { present?: Fault }) => {
  const shadows = shadowsOf('mx1');
  const memory: Memory = { applied: null, previous: null, refused: null };
  const sink = folderSink(dir, brokenFiles(fault));
  const pass = () =>
    reconcile({
      conversation: {
        shadow: async (name) => {
          const shadow = shadows.get(name);
          return shadow && { ...shadow.state, version: shadow.version };
        },
        report: async (name, reported, version) => Number(shadows.update(name, { reported }, version)),
      },
      supply: {
        contents: async () => ({ lists: new Map(), artifacts: new Map() }),
        keepOnly: async () => undefined,
      },
      sink,
      memory,
      now: () => new Date(0),
      log: () => undefined,
      signal: new AbortController().signal,
      overtaken: () => false,
    });
  const publish = ({ smtp, advanced }: Desired) => {
    shadows.update(advancedShadow, { desired: advanced });
    shadows.update(smtpShadow, { desired: smtp });
  };
  return { pass, publish, reported: () => shadows.get(smtpShadow)?.state.reported };
};

describe.each(['ENOSPC', 'EROFS'] as const)('a disk that answers %s', (code) => {
  it('is reported as failed with the last good configuration in force, and mended when it takes bytes again', async () => {
    const dir = emptyFolder();
    const fault: { present?: Fault } = {};
    const mx = scannerOn(dir, fault);
    mx.publish(settings(7, 25));
    expect(await mx.pass()).toBe('settled');

    fault.present = code;
    mx.publish(settings(8, 26));
    for (let tries = 0; tries < 3; tries++) expect(await mx.pass()).toBe('again');

    expect(mx.reported()).toMatchObject({
      revision: 7,
      inbound: { ipv4: { port: 25 } },
      status: { revision: 8, code: 'failed', message: `${code}: ${faults[code]}, write` },
    });
    expect(inForce(dir)?.configuration).toMatchObject({ revision: 7 });
    expect(readdirSync(join(dir, 'versions'))).toHaveLength(1);

    delete fault.present;
    expect(await mx.pass()).toBe('settled');
    expect(mx.reported()).toMatchObject({ revision: 8, status: { revision: 8, code: 'applied' } });
    expect(mx.reported()?.['status']).not.toHaveProperty('message');
    expect(inForce(dir)?.configuration).toMatchObject({ revision: 8 });
  });
});

describe('a folder', () => {
  it('is made with all those above it, each with the mode', async () => {
    const dir = emptyFolder();
    const path = join(dir, 'a', 'b');
    await makeFolder(nodeFiles, path, { mode: 0o700 });
    await makeFolder(nodeFiles, path, { mode: 0o700 });

    for (const one of [path, dirname(path)]) expect(statSync(one).mode & 0o777).toBe(0o700);
  });

  it.each(['a', join('a', 'b', 'c')])('%s that a read-only disk does not take is EROFS', async (path) => {
    const files = brokenFiles({ present: 'EROFS' });

    await expect(makeFolder(files, join(emptyFolder(), path))).rejects.toMatchObject({ code: 'EROFS' });
  });

  it('that is there is there, on a read-only disk as on any', async () => {
    await makeFolder(brokenFiles({ present: 'EROFS' }), emptyFolder());
  });

  it('of a disk that has not even a root is not looked for without end', async () => {
    const mkdir = async () => failing('ENOENT');

    await expect(makeFolder({ mkdir } as never, '/a/b')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('under a file is no folder', async () => {
    const file = join(emptyFolder(), 'file');
    writeFileSync(file, '');

    await expect(makeFolder(nodeFiles, join(file, 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('the cache, in a process that may not write files of more than four kilobytes', () => {
  it('fails, and leaves no piece behind', () => {
    const dir = emptyFolder();
    const script = `
      const { openObjectCache } = await import(${JSON.stringify(resolve('scanner/object-cache.ts'))});
      const { createHash } = await import('node:crypto');
      const bytes = Buffer.alloc(100_000, 'x');
      const cache = await openObjectCache(${JSON.stringify(dir)});
      const hash = createHash('sha256').update(bytes).digest('hex');
      await cache.write(hash, bytes).then(() => console.log('kept'), ({ code }) => console.log(code));`;
    // The limit is of the system (RLIMIT_FSIZE); its signal is ignored, so that the write fails instead.
    const shell = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`;
    const said = execFileSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });

    expect(said.trim()).toBe('EFBIG');
    expect(readdirSync(join(dir, 'incoming'))).toEqual([]);
    expect(readdirSync(join(dir, 'objects'))).toEqual([]);
  });
});
