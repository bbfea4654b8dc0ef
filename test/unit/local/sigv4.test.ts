import { describe, expect, it } from 'vitest';
import { administrator } from '../../../local/iam/principals.ts';
import { SignatureError, type SignedRequest, verifySignature } from '../../../local/sigv4.ts';

// "get-vanilla" of the Signature Version 4 test suite that AWS published.
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const signature = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';
const scope = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
const request: SignedRequest = {
  method: 'GET',
  target: '/',
  headers: {
    host: ['example.amazonaws.com'],
    'x-amz-date': ['20150830T123600Z'],
    authorization: [authorization],
  },
  body: new Uint8Array(),
};
const now = new Date('2015-08-30T12:36:00Z');
const principals = administrator(credentials);
const expected = { principals, region: 'us-east-1', services: ['service'], now };

const refusal = (change: Partial<SignedRequest>, more: Partial<typeof expected> = {}): string | null => {
  try {
    verifySignature({ ...request, ...change }, { ...expected, ...more });
    return null;
  } catch (error) {
    if (error instanceof SignatureError) return error.code;
    throw error;
  }
};
const withHeaders = (headers: SignedRequest['headers']) => ({ headers: { ...request.headers, ...headers } });

describe('a Signature Version 4', () => {
  it("of AWS' own test suite holds, and names who made it", () => {
    expect(verifySignature(request, expected)).toBe(principals.find('AKIDEXAMPLE'));
  });

  it('holds five minutes either way', () => {
    for (const seconds of [-300, 300])
      expect(refusal({}, { now: new Date(now.getTime() + seconds * 1000) })).toBeNull();
  });

  it.each<[string, string, Partial<SignedRequest>, Partial<typeof expected>?]>([
    ['no header', 'MissingAuthenticationTokenException', withHeaders({ authorization: undefined })],
    ['a header of another kind', 'IncompleteSignatureException', withHeaders({ authorization: ['Basic x'] })],
    ['another method', 'InvalidSignatureException', { method: 'POST' }],
    ['another path', 'InvalidSignatureException', { target: '/a' }],
    ['another query', 'InvalidSignatureException', { target: '/?a=1' }],
    ['a query that does not decode', 'InvalidSignatureException', { target: '/?%zz' }],
    ['another body', 'InvalidSignatureException', { body: Buffer.from('a') }],
    ['another host', 'InvalidSignatureException', withHeaders({ host: ['other'] })],
    ['no signed header', 'InvalidSignatureException', withHeaders({ host: undefined })],
    ['a date that is none', 'InvalidSignatureException', withHeaders({ 'x-amz-date': ['yesterday'] })],
    ['no date', 'InvalidSignatureException', withHeaders({ 'x-amz-date': undefined })],
    [
      'a body hash that is not its own',
      'InvalidSignatureException',
      withHeaders({ 'x-amz-content-sha256': ['0'] }),
    ],
    ['six minutes passed', 'InvalidSignatureException', {}, { now: new Date(now.getTime() + 360_000) }],
    ['another region', 'InvalidSignatureException', {}, { region: 'eu-west-1' }],
    ['another service', 'InvalidSignatureException', {}, { services: ['iot'] }],
    [
      'another key',
      'UnrecognizedClientException',
      {},
      { principals: administrator({ ...credentials, accessKeyId: 'A' }) },
    ],
    [
      'another secret',
      'InvalidSignatureException',
      {},
      { principals: administrator({ ...credentials, secretAccessKey: '' }) },
    ],
  ])('with %s is refused as %s', (_, code, change, more) => {
    expect(refusal(change, more)).toBe(code);
  });
});
