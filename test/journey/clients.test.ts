import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateApi } from 'swagger-typescript-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';

const run = promisify(execFile);
const root = process.cwd();

let stack: StackProcess;
let dir: string;

beforeAll(async () => {
  stack = await startStackProcess();
  dir = mkdtempSync(join(tmpdir(), 'clients-'));
});

afterAll(async () => {
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A folder with a package of its own, whose TypeScript is judged as strictly as ours and compiled to JavaScript. */
const project = (name: string): string => {
  const folder = join(dir, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    noEmit: false,
    outDir: 'out',
    rootDir: '/',
    rewriteRelativeImportExtensions: true,
    erasableSyntaxOnly: false,
    isolatedModules: false,
    lib: ['es2024', 'dom'],
    typeRoots: [join(root, 'node_modules', '@types')],
  };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return folder;
};

const tsc = async (folder: string, ...args: string[]): Promise<void> => {
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder, ...args]).catch((error) => {
    throw new Error(error.stdout);
  });
};

const node = async (folder: string, ...args: string[]): Promise<string> =>
  (await run(process.execPath, args, { cwd: folder })).stdout;

describe('a client that a public generator makes of the served document', () => {
  const program = `
import { Api } from './api.ts';

const [baseUrl = '', token = ''] = process.argv.slice(2);
const { v1 } = new Api({ baseUrl, baseApiParams: { headers: { authorization: \`Bearer \${token}\` } } });
await v1.createScanner({ scannerId: 'generated', labels: { site: 'lyon' } });
const saved = await v1.putSmtp('generated', {
  mailFiltering: 'inbound-and-outbound',
  inbound: { ipv4: { address: '127.0.0.1' } },
  outbound: { ipv4: { address: '127.0.0.1', port: 2525 } },
});
const read = await v1.getSmtp('generated');
const refused = await v1
  .putSmtp('generated', { mailFiltering: 'inbound', outbound: { ipv4: { address: '::1', port: 0 } } })
  .catch((answer: { error: unknown }) => answer.error);
const { data } = read;
console.log(JSON.stringify({ saved: saved.data, read: data, port: data.inbound?.ipv4.port.toFixed(), refused }));
`;

  it('registers a Scanner, saves settings, reads them back and sees what is refused', async () => {
    const folder = project('generated');
    const document = await (await fetch(`${stack.endpoints.api}/openapi.json`)).text();
    writeFileSync(join(folder, 'openapi.json'), document);
    const input = join(folder, 'openapi.json');
    await generateApi({ input, output: folder, fileName: 'api.ts', httpClientType: 'fetch', silent: true });
    writeFileSync(join(folder, 'program.ts'), program);
    await tsc(folder);

    const { api, token } = stack.endpoints;
    const baseUrl = api.replace(/\/v1$/, '');
    const output = await node(folder, join('out', folder, 'program.js'), baseUrl, token);

    const { saved, read, port, refused } = JSON.parse(output);
    expect(saved).toMatchObject({
      revision: 2,
      inbound: { accept: 'all' },
      outbound: { nonLocalDelivery: 'mx' },
    });
    expect(read).toEqual(saved);
    expect(port).toBe('25');
    expect(refused).toMatchObject({ status: 422, code: 'VALIDATION_FAILED' });
    expect(refused.errors.map((one: { code: string }) => one.code).sort()).toEqual([
      'ADDRESS_INVALID',
      'PORT_OUT_OF_RANGE',
      'SECTION_NOT_IN_MODE',
      'SECTION_REQUIRED',
    ]);
  });
});

describe('the program in the README', () => {
  const code = /```ts\n(.*?)```/s.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';

  it('has ten lines', () => {
    expect(code.split('\n').filter((line) => line !== '')).toHaveLength(10);
  });

  it('passes the compiler, and does what it says against the stack', async () => {
    const folder = project('readme');
    for (const name of ['shared', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
    symlinkSync(stack.dir, join(folder, '.local'));
    writeFileSync(join(folder, 'program.ts'), code);

    await tsc(folder, '--noEmit');
    expect(await node(folder, 'program.ts')).toContain('revision: 2');

    const { body, headers } = await stack.call('GET', '/scanners/mx2/smtp');
    expect(body).toMatchObject({ inbound: { ipv4: { address: '127.0.0.1', port: 25 }, accept: 'all' } });
    expect(headers.get('etag')).toBe('"2"');
  });
});
