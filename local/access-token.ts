import { createLocalJWKSet, type JWK, type JWTPayload, jwtVerify } from 'jose';
import type { ApiModel } from './model.ts';

export type TokenVerdict =
  | { kind: 'valid'; claims: JWTPayload; scopes: string[] }
  | { kind: 'unauthorized' }
  | { kind: 'forbidden' };

const bearer = (header: string | undefined): string | undefined => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];

const scopesOf = (claims: JWTPayload): string[] => {
  const scope = claims['scope'] ?? claims['scp'];
  return Array.isArray(scope)
    ? scope.map(String)
    : String(scope ?? '')
        .split(' ')
        .filter(Boolean);
};

const meantForUs = (claims: JWTPayload, audience: string[]): boolean => {
  const audiences = claims.aud === undefined ? [claims['client_id']] : [claims.aud].flat();
  return audiences.some((one) => typeof one === 'string' && audience.includes(one));
};

/** A token that is issued later than now is none yet. */
const isIssued = ({ iat = Number.POSITIVE_INFINITY }: JWTPayload): boolean => iat * 1000 <= Date.now();

/**
 * Judges a request's access token as API Gateway's JWT authorizer does: RS256 by the issuer's keys; `iss`; `aud`, or `client_id` where
 * there is none; `exp`, `nbf`, `iat`; and one of the route's scopes ("Control access to HTTP APIs with JWT authorizers").
 */
export const tokenJudge = (api: ApiModel, keys: { keys: JWK[] }) => {
  const keySet = createLocalJWKSet(keys);
  return async (authorization: string | undefined, routeScopes: string[]): Promise<TokenVerdict> => {
    const token = bearer(authorization);
    if (token === undefined) return { kind: 'unauthorized' };
    const verified = await jwtVerify(token, keySet, {
      algorithms: ['RS256'],
      issuer: api.issuer,
      requiredClaims: ['exp', 'iat'],
    }).catch(() => null);
    if (!verified || !isIssued(verified.payload) || !meantForUs(verified.payload, api.audience))
      return { kind: 'unauthorized' };
    const granted = scopesOf(verified.payload);
    const allowed = routeScopes.length === 0 || routeScopes.some((scope) => granted.includes(scope));
    return allowed ? { kind: 'valid', claims: verified.payload, scopes: routeScopes } : { kind: 'forbidden' };
  };
};
