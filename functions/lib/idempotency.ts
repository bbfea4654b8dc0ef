import { createHmac } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Problem } from '../../shared/errors.ts';
import type { Operation } from '../../shared/operations/define.ts';
import { bytesOf } from './body.ts';

type HttpEvent = Pick<
  APIGatewayProxyEventV2,
  'body' | 'isBase64Encoded' | 'headers' | 'rawPath' | 'rawQueryString'
> & { requestContext: { http: { method: string } } };

/** A request's own name for itself. */
export interface Idempotency {
  key: string;
  /** Of everything that the request asks; keyed, so that what is stored helps nobody to guess a password in a body. */
  hash: string;
}

/** Visible characters of ASCII, so that a key is the same in every log. */
const keyPattern = /^[\u0021-\u007e]{1,255}$/;

/** What is asked: method and path, query, and the body to the byte. */
const requestHash = (event: HttpEvent, key: string): string =>
  createHmac('sha256', key)
    .update(`${event.requestContext.http.method} ${event.rawPath}?${event.rawQueryString}\n`)
    .update(bytesOf(event))
    .digest('hex');

/** The `Idempotency-Key` of a request to an operation that takes one. */
export const readIdempotency = (
  operation: Operation,
  event: HttpEvent,
  problems: Problem[],
): Idempotency | undefined => {
  const key = operation.idempotencyKey ? event.headers['idempotency-key'] : undefined;
  if (key === undefined) return undefined;
  if (keyPattern.test(key)) return { key, hash: requestHash(event, key) };
  problems.push({
    pointer: '/headers/idempotency-key',
    code: 'VALUE_INVALID',
    message: 'A key is 1 to 255 visible characters of ASCII.',
  });
  return undefined;
};
