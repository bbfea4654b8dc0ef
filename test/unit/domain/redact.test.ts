import { expect, it } from 'vitest';
import { redacted } from '../../../shared/domain/redact.ts';

it.each([
  ['a key', 'no -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- here', 'no [PEM] here'],
  ['a key that is cut off', 'at -----BEGIN PRIVATE KEY-----\nMHc', 'at [PEM]'],
  ['a token', 'got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln-bmF0_dXJl.', 'got [token].'],
  ['a header', 'authorization: Bearer abcdefgh1234', 'authorization: Bearer [token]'],
  [
    'a link',
    'GET https://b/k?X-Amz-Date=1&X-Amz-Credential=AKIA%2F1&X-Amz-Signature=0f1e failed',
    'GET https://b/k?X-Amz-Date=1&X-Amz-Credential=[secret]&X-Amz-Signature=[secret] failed',
  ],
  ['nothing of that', 'There is no Scanner mx1.', 'There is no Scanner mx1.'],
])('%s is taken out of a message', (_, text, clean) => {
  expect(redacted(text)).toBe(clean);
});

it('a message is cut at a thousand characters', () => {
  expect(redacted('x'.repeat(5000))).toBe(`${'x'.repeat(1000)}…`);
});
