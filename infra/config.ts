import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { type Scope, scopes } from '../shared/operations/define.ts';

/** Days for which CloudWatch Logs can keep a group (CloudWatch Logs API reference, "PutRetentionPolicy"), up to ten years. */
const logDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** `zod/mini` has no messages of its own: each schema here says what its setting is. */
const text = () => z.string('is text');

const count = (least: number, most: number) => {
  const what = `is a whole number from ${least} to ${most}`;
  return z.int(what).check(z.minimum(least, what), z.maximum(most, what));
};

const oneOf = (values: readonly (string | number)[]): string => `is one of ${values.join(', ')}`;

const url = text().check(
  z.regex(/^https:\/\/[^\s?#]+$/, 'is an https URL without query, as the issuer writes it in `iss`'),
);

const audience = z
  .array(text().check(z.minLength(1, 'is not empty')), 'is a list')
  .check(z.minLength(1, 'names at least one'), z.maxLength(50, 'names at most 50'));

/** No client needs to be named, but one that is has at least one scope. */
const client = z
  .array(z.enum(scopes, oneOf(scopes)), `is a list of scopes, each of ${scopes.join(', ')}`)
  .check(z.minLength(1, 'has at least one scope'));

const clientName = text().check(
  z.maxLength(40, 'has a name of up to 40 characters'),
  z.regex(
    /^[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*$/,
    'has words of lower-case letters and digits, with hyphens between',
  ),
);

const clients = z.record(clientName, client, 'is an object: the scopes of each client by its name').check(
  z.refine((all) => Object.keys(all).length > 0, 'names at least one client'),
  z.refine((all) => Object.keys(all).length <= 50, 'names at most 50 clients: an authorizer knows no more'),
);

const share = 'is a share, from 0 to 1';

const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

/**
 * Everything that an operator decides of a deployment. `docs/deploy.md` says what each is for. Names of resources are never given: all
 * of them begin with, or are made from, `name`, so that several deployments may stand in one account and region.
 */
const schema = z.strictObject({
  name: z._default(
    text().check(z.regex(/^[A-Za-z][A-Za-z0-9]{0,39}$/, 'has up to 40 letters and digits')),
    'ScannerControlPlane',
  ),
  region: z.optional(text().check(z.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is a region, as eu-west-1'))),
  account: z.optional(text().check(z.regex(/^\d{12}$/, 'has twelve digits'))),
  issuer: z.optional(url),
  audience: z.optional(audience),
  clients: z.optional(clients),
  domainPrefix: z.optional(
    text().check(
      z.regex(
        /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        'has up to 63 lower-case letters, digits and hyphens',
      ),
      z.refine((given) => !/aws|amazon|cognito/.test(given), 'may not hold aws, amazon or cognito'),
    ),
  ),
  domainName: z.optional(
    text().check(
      z.regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, 'is a name, as api.example.com'),
    ),
  ),
  certificateArn: z.optional(
    text().check(
      z.regex(/^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate\/[\w-]+$/, 'is the ARN of a certificate of ACM'),
    ),
  ),
  historyDays: z._default(count(0, 99_999), 0),
  logDays: z._default(z.literal([...logDays], oneOf(logDays)), 90),
  shadowRate: z._default(count(1, 999_999), 200),
  thingRate: z._default(count(1, 999_999), 20),
  rolloutRate: z._default(count(1, 999_999), 10),
  reconcileMinutes: z._default(count(1, 999_999), 60),
  reserveConcurrency: z._default(z.boolean('is true or false'), true),
  apiRate: z._default(count(1, 10_000), 500),
  apiBurst: z._default(count(1, 5_000), 1_000),
  alarmEmail: z.optional(text().check(z.regex(/^[^\s@]+@[^\s@]+$/, 'is an address of e-mail'))),
  runbook: z._default(
    text().check(z.regex(/^[^\s#]+$/, 'is a URL, or a path, without #')),
    'docs/runbook.md',
  ),
  logLevel: z._default(z.enum(logLevels, oneOf(logLevels)), 'INFO'),
  logSampling: z._default(z.number(share).check(z.minimum(0, share), z.maximum(1, share)), 0),
  /** A parameter of CloudFormation has room for 4,096 bytes (CloudFormation quotas). */
  mqttServerCa: z.optional(
    text().check(
      z.maxLength(4096, 'has up to 4096 characters'),
      z.regex(/^(?:-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----\s*)+$/, 'is PEM'),
    ),
  ),
});

type Values = z.output<typeof schema>;

/** Who may use the API: clients of a user pool of the stack's own, or whoever an issuer elsewhere vouches for. */
export type IdentityConfig =
  | { kind: 'cognito'; clients: Record<string, Scope[]>; domainPrefix: string | undefined }
  | { kind: 'issuer'; issuer: string; audience: string[] };

/** What a deployment is made from: valid, and with every default in place. */
export interface DeploymentConfig extends Omit<Values, 'issuer' | 'audience' | 'clients' | 'domainPrefix'> {
  identity: IdentityConfig;
}

/** Names of all settings, as context and files give them. */
export const settingNames: readonly string[] = Object.keys(schema.def.shape);

/** A tool that may do everything, and one that may only look. */
export const standardClients = { operator: [...scopes], reader: ['scanners/read' as const] };

/** All that is wrong with a configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const lists = new Set(['audience']);
const objects = new Set(['clients']);
const booleans = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
]);
const numbers = new Set([
  'historyDays',
  'logDays',
  'shadowRate',
  'thingRate',
  'rolloutRate',
  'reconcileMinutes',
  'apiRate',
  'apiBurst',
  'logSampling',
]);

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what it should be.
    return text;
  }
};

/** On a command line everything is text: what is a number, a list or an object is read as that. */
const fromText = (name: string, value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  if (numbers.has(name) && /^\d+(?:\.\d+)?$/.test(value)) return Number(value);
  if (name === 'reserveConcurrency') return booleans.get(value) ?? value;
  if (lists.has(name)) return value.split(',').map((part) => part.trim());
  return objects.has(name) ? parsedJson(value) : value;
};

/** What does not go together, though each is valid alone. */
const contradictions = (values: Values): string[] => {
  const { issuer, audience, clients, domainPrefix, domainName, certificateArn, region, name } = values;
  const other = issuer !== undefined || audience !== undefined;
  const certificateRegion = certificateArn?.split(':')[3];
  return [
    other && audience === undefined && 'audience: goes with issuer, so that tokens for others are refused',
    other && issuer === undefined && 'issuer: goes with audience',
    other && clients !== undefined && 'clients: are of the user pool, which issuer takes the place of',
    other &&
      domainPrefix !== undefined &&
      'domainPrefix: is of the user pool, which issuer takes the place of',
    !other &&
      domainPrefix === undefined &&
      /aws|amazon|cognito/i.test(name) &&
      'domainPrefix: is needed, because the name holds aws, amazon or cognito, which a domain of Cognito may not',
    domainName !== undefined && certificateArn === undefined && 'certificateArn: goes with domainName',
    certificateArn !== undefined && domainName === undefined && 'domainName: goes with certificateArn',
    region !== undefined &&
      certificateRegion !== undefined &&
      certificateRegion !== region &&
      `certificateArn: is of ${certificateRegion}, and the API of ${region}`,
  ].filter((problem) => problem !== false);
};

const identityOf = ({ issuer, audience, clients, domainPrefix }: Values): IdentityConfig =>
  issuer !== undefined && audience !== undefined
    ? { kind: 'issuer', issuer, audience }
    : { kind: 'cognito', clients: clients ?? standardClients, domainPrefix };

/**
 * A configuration from what a file and the command line say; the command line goes first. Values may be text.
 *
 * @throws ConfigError with all problems at once, each beginning with the name of the setting.
 */
export const readConfig = (...sources: readonly Record<string, unknown>[]): DeploymentConfig => {
  const given = Object.assign({}, ...sources) as Record<string, unknown>;
  const input = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, fromText(name, value)]),
  );
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap(problemsOf));
  const problems = contradictions(parsed.data);
  if (problems.length > 0) throw new ConfigError(problems);
  const { issuer: _i, audience: _a, clients: _c, domainPrefix: _d, ...rest } = parsed.data;
  return { ...rest, identity: identityOf(parsed.data) };
};

const problemsOf = (issue: z.core.$ZodIssue): string[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${key}: is no setting; there are ${settingNames.join(', ')}`);
  const inner = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [`${issue.path.map(String).join('.') || 'configuration'}: ${inner}`];
};

/** What a file of settings says; the name of the file is the context `env`. @throws ConfigError where it cannot be read. */
const fileSettings = (file: string): Record<string, unknown> => {
  try {
    const settings: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings))
      return settings as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError([`env: cannot read ${file}: ${(error as Error).message}`]);
  }
  throw new ConfigError([`env: ${file} holds no JSON object`]);
};

/** Settings as the CDK is given them, the first going last: the file that the context `env` names, then the context itself. */
export const contextSettings = (context: (name: string) => unknown): Record<string, unknown>[] => {
  const file = context('env');
  const own = settingNames.map((name) => [name, context(name)] as const);
  return [
    ...(file === undefined ? [] : [fileSettings(String(file))]),
    Object.fromEntries(own.filter(([, value]) => value !== undefined)),
  ];
};
