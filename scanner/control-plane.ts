import * as z from 'zod/mini';
import { scannerCertificate } from '../shared/schemas/scanner.ts';
import type { TurnedAway } from './turned-away.ts';

/** Where the API is, and the token that it is called with. */
export interface ControlPlaneAccess {
  /** Up to the version: `https://…/v1`. */
  url: string;
  token: string;
}

/** The API did not answer at all. */
export class ControlPlaneUnreachable extends Error {
  override readonly name = 'ControlPlaneUnreachable';
}

/** Nothing says where the API is. */
export class ControlPlaneUnknown extends ControlPlaneUnreachable {}

/** How a decommissioned id is had back. */
export const registerAgain =
  'register its id again (POST /v1/scanners, which answers SCANNER_NOT_CLEARED until it is cleared away, and then 201)';

/** What a person may do about an answer; what is not here says it itself. */
const advice: Record<number, string> = {
  401: ' Give a valid access token with --token.',
  403: ' Give an access token with the scopes scanners/read and scanners/write with --token.',
  404: ' Look whether --url is that of the API, version included.',
  409: ` If its id was decommissioned, ${registerAgain}, then start it with --enrol.`,
};

/** The API answered, and not with yes. */
export class ControlPlaneRefused extends Error {
  override readonly name = 'ControlPlaneRefused';
  readonly status: number;

  constructor(call: string, status: number, detail: string) {
    super(`${call} was answered with ${status}: ${detail}${advice[status] ?? ''}`);
    this.status = status;
  }
}

/** True for what may be otherwise a moment later: no answer, too many requests, something wrong on the other side. */
export const isPassing = (error: unknown): error is Error =>
  error instanceof ControlPlaneRefused
    ? error.status === 429 || error.status >= 500
    : error instanceof ControlPlaneUnreachable && !(error instanceof ControlPlaneUnknown);

/** Milliseconds for one call. */
const patience = 30_000;

/** The detail of a problem document (RFC 9457), or the message of what the gateway itself refuses. */
const detailOf = (text: string): string => {
  try {
    const { detail, message, title } = JSON.parse(text) as Record<string, unknown>;
    return String(detail ?? message ?? title ?? text);
  } catch {
    return text.slice(0, 200);
  }
};

interface Answer {
  status: number;
  text: string;
}

const call = async (
  { url, token }: ControlPlaneAccess,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Answer> => {
  const request: RequestInit = {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(patience),
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
  try {
    const response = await fetch(`${url}${path}`, request);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const { cause = error } = error as Error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ControlPlaneUnreachable(`${method} ${url}${path} got no answer: ${why}`, { cause: error });
  }
};

const refused = (what: string, { status, text }: Answer): ControlPlaneRefused =>
  new ControlPlaneRefused(what, status, detailOf(text));

/** True when the Scanner is registered. @throws ControlPlaneUnreachable, ControlPlaneRefused */
export const isRegistered = async (access: ControlPlaneAccess, scannerId: string): Promise<boolean> => {
  const path = `/scanners/${scannerId}`;
  const answer = await call(access, 'GET', path);
  if (answer.status === 200) return true;
  if (answer.status === 404) return false;
  throw refused(`GET ${path}`, answer);
};

const standing = z.object({ decommissionedAt: z.optional(z.string()) });

/** What the API says of a Scanner that is not let in. @throws as `isRegistered` */
export const whyTurnedAway = async (access: ControlPlaneAccess, scannerId: string): Promise<TurnedAway> => {
  const path = `/scanners/${scannerId}`;
  const answer = await call(access, 'GET', path);
  if (answer.status === 404) return { kind: 'unknown' };
  if (answer.status !== 200) throw refused(`GET ${path}`, answer);
  const { decommissionedAt } = standing.parse(JSON.parse(answer.text));
  return decommissionedAt === undefined
    ? { kind: 'known' }
    : { kind: 'decommissioned', at: decommissionedAt };
};

/** Registers a Scanner; one that another registered meanwhile is as good. @throws ControlPlaneUnreachable, ControlPlaneRefused */
export const register = async (
  access: ControlPlaneAccess,
  scanner: { scannerId: string; hostName?: string },
): Promise<void> => {
  const answer = await call(access, 'POST', '/scanners', scanner);
  if (answer.status !== 201 && answer.status !== 409) throw refused('POST /scanners', answer);
};

export type Enrolment = z.infer<typeof scannerCertificate>;

/** Has a certificate made for a signing request. @throws ControlPlaneUnreachable, ControlPlaneRefused */
export const enrol = async (
  access: ControlPlaneAccess,
  scannerId: string,
  csr: string,
): Promise<Enrolment> => {
  const path = `/scanners/${scannerId}/certificates`;
  const answer = await call(access, 'POST', path, { csr });
  if (answer.status !== 201) throw refused(`POST ${path}`, answer);
  return scannerCertificate.parse(JSON.parse(answer.text));
};
