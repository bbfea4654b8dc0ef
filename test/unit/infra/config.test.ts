import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, contextSettings, readConfig, settingNames } from '../../../infra/config.ts';

const problemsOf = (settings: Record<string, unknown>): readonly string[] => {
  try {
    readConfig(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

const issuer = { issuer: 'https://id.example.com/tenant', audience: ['api://scanners'] };
const certificateArn = 'arn:aws:acm:eu-west-1:000000000000:certificate/0f-1';

describe('a configuration', () => {
  it('of nothing has a user pool with a client that may do all and one that may look, and keeps history for ever', () => {
    expect(readConfig({})).toEqual({
      name: 'ScannerControlPlane',
      identity: {
        kind: 'cognito',
        clients: {
          operator: ['scanners/read', 'scanners/write', 'fleet/admin'],
          reader: ['scanners/read'],
        },
        domainPrefix: undefined,
      },
      historyDays: 0,
      logDays: 90,
      shadowRate: 200,
      thingRate: 20,
      rolloutRate: 10,
      reconcileMinutes: 60,
      reserveConcurrency: true,
      apiRate: 500,
      apiBurst: 1000,
      runbook: 'docs/runbook.md',
      logLevel: 'INFO',
      logSampling: 0,
    });
  });

  it('has an issuer elsewhere instead of a user pool', () => {
    expect(readConfig(issuer).identity).toEqual({ kind: 'issuer', ...issuer });
  });

  it('may come as text, as a command line has it, which goes before a file', () => {
    const read = readConfig(
      { historyDays: 30, logDays: 7 },
      { historyDays: '400', clients: '{"tool":["scanners/read"]}', logSampling: '0.25' },
    );
    expect(read).toMatchObject({
      historyDays: 400,
      logSampling: 0.25,
      logDays: 7,
      identity: { clients: { tool: ['scanners/read'] } },
    });
    expect(readConfig({ issuer: issuer.issuer, audience: 'a, b' }).identity).toMatchObject({
      audience: ['a', 'b'],
    });
  });

  it('is told all of its problems at once, each by the name of the setting', () => {
    const problems = problemsOf({
      name: '1st',
      region: 'Ireland',
      historyDays: -1,
      logDays: 8,
      shadowRate: '2.5',
      clients: { Tool: ['scanners/read'], tool: ['scanners/all'], none: [] },
      histryDays: 3,
      alarmEmail: 'nobody',
      runbook: 'https://wiki.example.com/runbook#top',
      logLevel: 'TRACE',
      logSampling: 2,
      mqttServerCa: 'none',
    });
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'alarmEmail',
      'clients.Tool',
      'clients.none',
      'clients.tool.0',
      'historyDays',
      'histryDays',
      'logDays',
      'logLevel',
      'logSampling',
      'mqttServerCa',
      'name',
      'region',
      'runbook',
      'shadowRate',
    ]);
    expect(problems.find((problem) => problem.startsWith('histryDays'))).toContain('historyDays');
  });

  it.each([
    ['historyDays', '1.5', 'historyDays: is a whole number from 0 to 99999'],
    ['shadowRate', '0', 'shadowRate: is a whole number from 1 to 999999'],
    ['reserveConcurrency', 'maybe', 'reserveConcurrency: is true or false'],
    ['apiRate', '-1', 'apiRate: is a whole number from 1 to 10000'],
    ['logLevel', 'LOUD', 'logLevel: is one of DEBUG, INFO, WARN, ERROR'],
    ['logSampling', '2', 'logSampling: is a share, from 0 to 1'],
    ['clients', 'foo', 'clients: is an object: the scopes of each client by its name'],
    ['audience', 'a,', 'audience.1: is not empty'],
  ])('says of %s=%s what it is', (name, value, problem) => {
    expect(problemsOf({ [name]: value })).toEqual([problem]);
  });

  it('says of every setting, whatever it is given, what it is', () => {
    const odd = [null, '', ' ', 'x'.repeat(5000), -1, 1e9, 0.5, true, [], [''], [1], {}, { a: 1 }, { A: [] }];
    for (const name of settingNames)
      for (const value of odd)
        for (const problem of problemsOf({ [name]: value })) {
          expect(problem, JSON.stringify(value)).not.toMatch(/: Invalid/);
          expect(problem, JSON.stringify(value)).toMatch(/^\w+(\.\w+)*: \w/);
        }
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['an issuer without an audience', { issuer: issuer.issuer }, /^audience:/],
    ['an audience without an issuer', { audience: ['a'] }, /^issuer:/],
    ['an issuer over plain HTTP', { ...issuer, issuer: 'http://id.example.com' }, /^issuer: .*https/],
    ['clients beside an issuer', { ...issuer, clients: { tool: ['scanners/read'] } }, /^clients:/],
    ['a domain of tokens beside an issuer', { ...issuer, domainPrefix: 'tokens' }, /^domainPrefix:/],
    ['no client at all', { clients: {} }, /^clients: .*at least one/],
    ['a domain that Cognito refuses', { domainPrefix: 'my-cognito' }, /^domainPrefix: .*cognito/],
    ['a name of which no domain can be made', { name: 'MyAwsThing' }, /^domainPrefix: is needed/],
    ['a domain name without its certificate', { domainName: 'api.example.com' }, /^certificateArn:/],
    ['a certificate without its domain name', { certificateArn }, /^domainName:/],
    [
      'a certificate of another region',
      { region: 'us-east-1', domainName: 'api.example.com', certificateArn },
      /^certificateArn: .*eu-west-1.*us-east-1/,
    ],
  ])('refuses %s', (_, settings, problem) => {
    expect(problemsOf(settings)).toEqual([expect.stringMatching(problem)]);
  });

  it('takes that name where a domain is given, and that certificate in its region', () => {
    expect(problemsOf({ name: 'MyAwsThing', domainPrefix: 'tokens' })).toEqual([]);
    expect(problemsOf({ region: 'eu-west-1', domainName: 'api.example.com', certificateArn })).toEqual([]);
  });

  it('is described setting by setting', () => {
    const page = readFileSync('docs/deploy.md', 'utf8');
    for (const name of settingNames) expect(page).toContain(`| \`${name}\` |`);
  });
});

describe('what the CDK is given', () => {
  const dir = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const file = (text: string): string => {
    const path = join(dir, `${text.length}.json`);
    writeFileSync(path, text);
    return path;
  };
  const settingsOf = (context: Record<string, unknown>) => contextSettings((name) => context[name]);

  it('is a file, and over it the context, of which only settings count', () => {
    const env = file('{"name":"Two","historyDays":30}');
    expect(readConfig(...settingsOf({ env, historyDays: '7', '@aws-cdk/core:x': true }))).toMatchObject({
      name: 'Two',
      historyDays: 7,
    });
  });

  it.each(['', '[]', '{'])('is refused where the file holds no settings: %s', (text) => {
    expect(() => settingsOf({ env: file(text) })).toThrow(ConfigError);
  });

  it('is refused, by its path, where there is no file', () => {
    expect(() => settingsOf({ env: join(dir, 'nowhere.json') })).toThrow(/nowhere\.json/);
  });
});
