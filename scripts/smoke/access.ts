import { UsageError } from '../../local/command.ts';
import type { Outputs } from '../deploy/outputs.ts';
import { readEndpoints } from '../embedded.ts';

/** Where an API is, and how to get a token for it. */
export interface Access {
  url: string;
  token(): Promise<string>;
}

interface Client {
  endpoint: string;
  id: string;
  secret: string;
}

const explained = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  return `The token endpoint answers ${answer.status}: ${text.slice(0, 200)}`;
};

/** An access token by client credentials (RFC 6749, 4.4), with every scope that the client has. */
const tokenFor = async ({ endpoint, id, secret }: Client): Promise<string> => {
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(await explained(answer));
  return ((await answer.json()) as { access_token: string }).access_token;
};

/** The embedded stack that keeps its state in `dir`; its issuer takes any secret. */
export const embeddedAccess = (dir: string): Access => {
  const { api = '', issuer } = readEndpoints(dir);
  const client = { endpoint: `${issuer}/oauth2/token`, id: 'scanner-control-plane', secret: 'any' };
  return { url: api, token: () => tokenFor(client) };
};

const need = (value: string | undefined, what: string): string => {
  if (value === undefined || value === '') throw new Error(`${what} is missing; --help says what is needed.`);
  return value;
};

/** A deployment by its outputs: a token as it is given, or one for the client whose secret is given. */
export const deploymentAccess = (outputs: Outputs, env: NodeJS.ProcessEnv): Access => {
  const url = need(outputs['Url'], 'The output Url');
  const given = env['SMOKE_TOKEN'];
  if (given) return { url, token: () => Promise.resolve(given) };
  const client = {
    endpoint: need(env['SMOKE_TOKEN_ENDPOINT'] ?? outputs['TokenEndpoint'], 'SMOKE_TOKEN_ENDPOINT'),
    id: need(env['SMOKE_CLIENT_ID'] ?? outputs['ClientIdOperator'], 'SMOKE_CLIENT_ID'),
    secret: need(env['SMOKE_CLIENT_SECRET'], 'SMOKE_TOKEN or SMOKE_CLIENT_SECRET'),
  };
  return { url, token: () => tokenFor(client) };
};

const isWebAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** An API by its URL alone. @throws UsageError where it is none, or where nothing is given to get in with. */
export const urlAccess = (url: string, env: NodeJS.ProcessEnv): Access => {
  if (!isWebAddress(url)) throw new UsageError(`--url takes the URL of an API, and not ${url}.`);
  if (!env['SMOKE_TOKEN'] && !env['SMOKE_CLIENT_SECRET'])
    throw new UsageError('SMOKE_TOKEN is missing: with --url it holds the access token.');
  return deploymentAccess({ Url: url }, env);
};
