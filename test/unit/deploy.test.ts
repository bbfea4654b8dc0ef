import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { synthesize } from '../../local/synthesize.ts';
import { described, environmentOf } from '../../scripts/deploy/cdk.ts';
import { missingCredentials } from '../../scripts/deploy/credentials.ts';
import { keptLines, removalText } from '../../scripts/deploy/kept.ts';
import { nextSteps, readOutputs } from '../../scripts/deploy/outputs.ts';

const dir = mkdtempSync(join(tmpdir(), 'deploy-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

const run = (
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const command = [`scripts/${script}.ts`, ...args];
    const child = execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr });
    });
    child.stdin?.end();
  });

describe('an environment', () => {
  it('is told to the CDK as it was told to us', () => {
    const env = file('one.json', { name: 'One', historyDays: 30 });
    const { config, args } = environmentOf({
      env,
      context: ['historyDays=7', 'audience=a', 'issuer=https://i.example.com'],
    });
    expect(config).toMatchObject({ name: 'One', historyDays: 7, identity: { kind: 'issuer' } });
    expect(args).toEqual(
      ['historyDays=7', 'audience=a', 'issuer=https://i.example.com', `env=${env}`].flatMap((pair) => [
        '-c',
        pair,
      ]),
    );
  });

  it('is shown with who gets tokens', () => {
    const { config } = environmentOf({ context: ['region=eu-west-1'] });
    const lines = described(config).join('\n');
    expect(lines).toMatch(/region +eu-west-1/);
    expect(lines).toMatch(
      /tokens +user pool with the clients operator \(scanners\/read, .*; reader \(scanners\/read\)/,
    );
    expect(lines).not.toContain('undefined');
  });
});

describe('what is called wrongly ends with 2, and what fails with 1', () => {
  it.each<[string, string, string[], number, string]>([
    ['a setting that does not exist', 'deploy', ['-c', 'histryDays=3'], 2, 'histryDays'],
    ['a context without a value', 'destroy', ['-c', 'name'], 2, 'NAME=VALUE'],
    ['a file that is not there', 'deploy', ['--env', 'nowhere.json'], 2, 'nowhere.json'],
    ['an option that does not exist', 'deploy', ['--force'], 2, '--force'],
    ['a dry run that asks nothing', 'deploy', ['--dry-run', '--yes'], 2, '--dry-run'],
    ['a value that cannot be', 'deploy', ['-c', 'historyDays=many'], 2, 'historyDays'],
    ['a file that is not JSON', 'destroy', ['--env', 'README.md'], 2, 'README.md'],
    ['two places at once', 'smoke', ['--data', 'x', '--url', 'y'], 2, 'enough'],
    ['outputs that are not there', 'smoke', ['--outputs', 'nowhere.json'], 1, 'nowhere.json'],
    ['a URL without a token', 'smoke', ['--url', 'http://127.0.0.1:9'], 2, 'SMOKE_TOKEN is missing'],
    ['a URL that is none', 'smoke', ['--url', 'nonsense'], 2, 'not nonsense'],
    ['a URL of something else', 'smoke', ['--url', 'ftp://127.0.0.1/v1'], 2, 'not ftp:'],
  ])('%s', async (_, script, args, code, said) => {
    expect(await run(script, args)).toEqual({ code, said: expect.stringContaining(said) });
  });

  it('names all settings that are wrong at once, those among them that do not exist', async () => {
    const context = ['nope=1', 'env=x', 'alarmEmail=foo', 'name=a-b'].flatMap((pair) => ['-c', pair]);
    const { code, said } = await run('deploy', context);

    expect(code).toBe(2);
    for (const name of ['nope', 'env', 'alarmEmail', 'name']) expect(said).toMatch(`\n  ${name}: `);
  });

  it('destroying asks a person before it does anything else', async () => {
    expect(await run('destroy', [])).toEqual({
      code: 2,
      said: expect.stringMatching(/^Nobody can be asked/),
    });
  });

  it.each(['deploy', 'smoke', 'destroy'])('%s says what it takes', async (script) => {
    expect(await run(script, ['--help'])).toEqual({
      code: 0,
      said: expect.stringContaining(`npm run ${script}`),
    });
  });
});

describe('without credentials', () => {
  /** Of the environment what a program needs to start: nothing of AWS, and a home without profiles. */
  const bare = { PATH: process.env['PATH'], HOME: dir, AWS_EC2_METADATA_DISABLED: 'true' };
  const line = /^There are no credentials of an AWS account\. Set AWS_PROFILE, or [^\n]+\n$/;

  it.each<[string, string[], NodeJS.ProcessEnv]>([
    ['deploy', [], bare],
    ['deploy', ['--dry-run'], bare],
    ['deploy', ['--yes'], { ...bare, AWS_PROFILE: 'nobody' }],
    ['destroy', ['--yes'], bare],
  ])('%s %s says in one line what to do, and begins nothing', async (script, args, env) => {
    expect(await run(script, args, env)).toEqual({ code: 3, said: expect.stringMatching(line) });
  });

  it('what is called wrongly is said first', async () => {
    expect((await run('deploy', ['-c', 'historyDays=many'], bare)).code).toBe(2);
  });
});

describe('credentials', () => {
  const config = (text: string): string => {
    const path = join(dir, `config-${text.length}`);
    writeFileSync(path, text);
    return path;
  };
  const role = '[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = role\n';

  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', dir);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('in the environment or in a profile are enough: whether they are good is for AWS to say', async () => {
    expect(await missingCredentials()).toMatch(/^There are no credentials/);
    const path = config('[profile keys]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n');
    vi.stubEnv('AWS_CONFIG_FILE', path);
    vi.stubEnv('AWS_PROFILE', 'keys');
    expect(await missingCredentials()).toBeUndefined();
    vi.stubEnv('AWS_PROFILE', undefined);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'none');
    expect(await missingCredentials()).toBeUndefined();
  });

  it('of a profile with a second factor are left to the CDK, which asks for its code', async () => {
    const keys = 'aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n';
    vi.stubEnv('AWS_CONFIG_FILE', config(`${role}mfa_serial = arn:aws:iam::123456789012:mfa/m\n${keys}`));
    vi.stubEnv('AWS_PROFILE', 'role');
    expect(await missingCredentials()).toBeUndefined();
  });
});

describe('outputs', () => {
  const outputs = {
    Url: 'https://a.example.com/v1',
    TokenEndpoint: 'https://t.example.com/oauth2/token',
    UserPoolId: 'pool-1',
    ClientIdOperator: 'abc',
  };

  it('are those of the one stack, or of the one that is named', () => {
    expect(readOutputs(file('a.json', { One: outputs }))).toEqual(outputs);
    expect(readOutputs(file('b.json', { One: outputs, Two: {} }), 'Two')).toEqual({});
    expect(() => readOutputs(file('b.json', { One: outputs, Two: {} }))).toThrow(/One, Two/);
  });

  it('say where the API is, how to get a token and how to run the journey', () => {
    const lines = nextSteps(outputs, 'o.json', 'One').join('\n');
    for (const part of [
      'https://a.example.com/v1',
      'pool-1',
      '-u "abc:$SECRET"',
      'npm run smoke -- --outputs o.json --stack One',
    ])
      expect(lines).toContain(part);
    expect(nextSteps({ Url: 'u' }, 'o', 'n').join('\n')).toContain('SMOKE_TOKEN');
  });
});

describe('what a removed deployment leaves', () => {
  const template = synthesize({});
  const names = {
    TableName: 'table-1',
    BucketName: 'bucket-1',
    DeadRecordBucketName: 'dead-1',
    KeyId: 'key-1',
    UserPoolId: 'pool-1',
    ScannerPolicyName: 'policy-1',
    ScannerTypeName: 'type-1',
  };

  it('is all that its template keeps, each with how it is removed, by its name', () => {
    const lines = keptLines(template as never, names, 'One').join('\n');
    for (const name of [...Object.values(names), 'One-']) expect(lines).toContain(name);
    for (const { Type, DeletionPolicy } of Object.values(template.Resources) as {
      Type: string;
      DeletionPolicy?: string;
    }[])
      if (DeletionPolicy === 'Retain') expect(lines).not.toContain(Type);
  });

  it('is named by its type where nobody has said how it is removed', () => {
    const Resources = {
      Odd: { Type: 'AWS::SNS::Topic', DeletionPolicy: 'Retain' },
      Gone: { Type: 'AWS::SQS::Queue' },
    };
    expect(keptLines({ Resources }, {}, 'One')).toEqual(['     1   AWS::SNS::Topic']);
  });

  it('is removed in the order of the lines: the key after whatever it decrypts', () => {
    const commands = keptLines(template as never, {}, 'One').filter((line) => line.includes('aws '));
    expect(commands.at(-1)).toContain('kms schedule-key-deletion');
  });

  it.each([
    [true, /^One would be removed, /],
    [false, /^One is about to be removed, /],
  ])('is told of what is not removed yet (a dry run: %s)', (dryRun, text) => {
    expect(removalText('One', dryRun)).toMatch(text);
  });

  it('names outputs that the template has', () => {
    const page = readFileSync('scripts/deploy/kept.ts', 'utf8');
    const used = [...page.matchAll(/(\w+(?:Name|Id)): \w+ = '/g)].map(([, name]) => name);
    const { Outputs } = template as unknown as { Outputs: object };
    expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(used));
  });
});
