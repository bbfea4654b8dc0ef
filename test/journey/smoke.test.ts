import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StackProcess, startStackProcess } from '../helpers/stack.ts';

let stack: StackProcess;
const dir = mkdtempSync(join(tmpdir(), 'smoke-'));
beforeAll(async () => {
  stack = await startStackProcess();
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await stack?.stop();
});

const smoke = (args: string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, ['scripts/smoke.ts', ...args], options, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr });
    });
  });

const steps = (said: string) =>
  [...said.matchAll(/^ {2}(ok|FAIL) +(.*?) {2,}/gm)].map(([, how, name]) => `${how} ${name}`);

it('goes the whole way through the embedded stack, and leaves a decommissioned Scanner', async () => {
  const { code, said } = await smoke(['--data', stack.dir]);
  expect(steps(said)).toEqual([
    'ok token',
    'ok health',
    'ok register',
    'ok save settings',
    'ok edit a list',
    'ok read back',
    'ok published',
    'ok decommission',
  ]);
  expect(code).toBe(0);
  expect((await stack.call('GET', '/scanners')).body).toMatchObject({ items: [] });
  expect((await stack.call('GET', '/scanners?decommissioned=true')).body).toMatchObject({
    items: [{ scannerId: expect.stringMatching(/^smoke-/) }],
  });
});

it('goes the same way by the outputs of a deployment, with the secret of a client', async () => {
  const outputs = join(dir, 'outputs.json');
  const { api, issuer } = stack.endpoints;
  const own = {
    Url: api,
    TokenEndpoint: `${issuer}/oauth2/token`,
    ClientIdOperator: 'scanner-control-plane',
  };
  writeFileSync(outputs, JSON.stringify({ One: own, Two: own }));
  const secret = { SMOKE_CLIENT_SECRET: 'any' };
  expect(await smoke(['--outputs', outputs, '--stack', 'One'], secret)).toMatchObject({ code: 0 });
  const unsaid = await smoke(['--outputs', outputs], secret);
  expect(unsaid).toMatchObject({ code: 1, said: expect.stringContaining('One, Two') });
});

it('names the step that fails, and clears away what it registered', async () => {
  const token = await stack.token(['scanners/read'], 60);
  const answer = await smoke(['--url', stack.endpoints.api], { SMOKE_TOKEN: token });
  expect(answer.code).toBe(1);
  expect(steps(answer.said)).toEqual(['ok token', 'ok health', 'FAIL register']);
});

it('says what the token endpoint says', async () => {
  const server = createServer((_, response) => {
    response.writeHead(400).end('{"error":"invalid_client"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await smoke(['--url', stack.endpoints.api], {
    SMOKE_TOKEN_ENDPOINT: `http://127.0.0.1:${port}`,
    SMOKE_CLIENT_ID: 'c',
    SMOKE_CLIENT_SECRET: 's',
  });
  server.close();
  expect(answer).toMatchObject({ code: 1, said: expect.stringMatching(/FAIL +token.*invalid_client/) });
});
