import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { scopes } from '../shared/operations/define.ts';
import { audience } from './audience.ts';
import { serveLoopback } from './loopback.ts';

const algorithm = 'RS256';
const keyId = 'embedded-1';

const keyFile = (dir: string): string => join(dir, 'issuer-key.pem');

/** The issuer's key, made once and kept under `dir`, readable by its owner alone. */
const openKey = (dir: string) => {
  const file = keyFile(dir);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
  return createPrivateKey(readFileSync(file));
};

export interface TokenRequest {
  issuer: string;
  scope: readonly string[];
  /** Negative for one that has expired already. */
  expiresInSeconds: number;
  clientId?: string;
}

/**
 * An access token with the claims of Cognito's for client credentials, signed by the key under `dir`: `sub` is the client, too, and there
 * is no `aud` (Cognito developer guide, "Understanding the access token").
 */
export const mintToken = async (dir: string, request: TokenRequest): Promise<string> => {
  const clientId = request.clientId ?? audience;
  const now = Math.floor(Date.now() / 1000);
  const issuedAt = Math.min(now, now + request.expiresInSeconds);
  const scope = request.scope.join(' ');
  return new SignJWT({ scope, client_id: clientId, token_use: 'access', auth_time: issuedAt, version: 2 })
    .setProtectedHeader({ alg: algorithm, kid: keyId })
    .setIssuer(request.issuer)
    .setSubject(clientId)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(now + request.expiresInSeconds)
    .sign(openKey(dir));
};

const publicKey = async (dir: string): Promise<JWK> => ({
  ...(await exportJWK(createPublicKey(openKey(dir)))),
  kid: keyId,
  alg: algorithm,
  use: 'sig',
});

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = '';
  for await (const piece of request) {
    text += String(piece);
    if (text.length > 10_000) break;
  }
  return new URLSearchParams(text);
};

/** Client credentials (RFC 6749, 4.4). Whoever reaches this loopback port is the machine's own user, so any client is taken. */
const token = async (
  dir: string,
  issuer: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const form = await readForm(request);
  if (form.get('grant_type') !== 'client_credentials')
    return answer(response, 400, { error: 'unsupported_grant_type' });
  const asked = form.get('scope')?.split(' ').filter(Boolean) ?? [...scopes];
  if (asked.some((scope) => !(scopes as readonly string[]).includes(scope)))
    return answer(response, 400, { error: 'invalid_scope' });
  const access_token = await mintToken(dir, { issuer, scope: asked, expiresInSeconds: 3600 });
  answer(response, 200, { access_token, token_type: 'Bearer', expires_in: 3600, scope: asked.join(' ') });
};

export interface Issuer {
  url: string;
  keys: { keys: JWK[] };
  close(): Promise<void>;
}

/** The embedded issuer: OIDC discovery, its key set, and tokens for whoever asks on this machine. */
export const startIssuer = async (dir: string, port: number): Promise<Issuer> => {
  const url = `http://127.0.0.1:${port}`;
  const keys = { keys: [await publicKey(dir)] };
  const discovery = {
    issuer: url,
    jwks_uri: `${url}/.well-known/jwks.json`,
    token_endpoint: `${url}/oauth2/token`,
    response_types_supported: ['token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
    grant_types_supported: ['client_credentials'],
    scopes_supported: scopes,
  };
  const { close } = await serveLoopback(port, (request, response) => {
    if (request.method === 'GET' && request.url === '/.well-known/openid-configuration')
      answer(response, 200, discovery);
    else if (request.method === 'GET' && request.url === '/.well-known/jwks.json')
      answer(response, 200, keys);
    else if (request.method === 'POST' && request.url === '/oauth2/token')
      token(dir, url, request, response).catch(() => answer(response, 400, { error: 'invalid_request' }));
    else answer(response, 404, { error: 'not_found' });
  });
  return { url, keys, close };
};
