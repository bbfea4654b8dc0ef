import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClientLine } from '../../../../scanner/postfix/guard/dovecot-protocol.ts';
import { beginExchange, type Step } from '../../../../scanner/postfix/guard/sasl.ts';

const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString('base64');

/** Plays an exchange to its end with these responses; null: no initial response. */
const play = (mechanism: string, [first = null, ...others]: (string | null)[]): Step => {
  let step = beginExchange(mechanism, first);
  for (const response of others) if (step.kind === 'challenge') step = step.next(response ?? '');
  return step;
};

const credentials = (name: string, password: string) => ({
  kind: 'credentials',
  credentials: { name, password },
});
const malformed = { kind: 'malformed' };

describe('an exchange', () => {
  it.each<[string, string, (string | null)[], object]>([
    ['PLAIN at once', 'PLAIN', [base64('\0me\0secret')], credentials('me', 'secret')],
    ['PLAIN in small letters', 'plain', [base64('\0me\0secret')], credentials('me', 'secret')],
    ['PLAIN after an empty challenge', 'PLAIN', [null, base64('\0me\0secret')], credentials('me', 'secret')],
    ['PLAIN as oneself', 'PLAIN', [base64('me\0me\0secret')], credentials('me', 'secret')],
    ['PLAIN as somebody else', 'PLAIN', [base64('you\0me\0secret')], malformed],
    ['PLAIN beyond ASCII', 'PLAIN', [base64('\0zoë@x.org\0pässword')], credentials('zoë@x.org', 'pässword')],
    ['PLAIN without a name', 'PLAIN', [base64('\0\0secret')], malformed],
    ['PLAIN without a password', 'PLAIN', [base64('\0me\0')], malformed],
    ['PLAIN with one part too few', 'PLAIN', [base64('me\0secret')], malformed],
    ['PLAIN with one part too many', 'PLAIN', [base64('\0me\0sec\0ret')], malformed],
    ['PLAIN with a tab in the name', 'PLAIN', [base64('\0m\te\0secret')], malformed],
    ['PLAIN with a line end in the name', 'PLAIN', [base64('\0me\nOK\t1\0secret')], malformed],
    ['PLAIN that is no UTF-8', 'PLAIN', [base64(Buffer.from([0, 0xff, 0, 0x61]))], malformed],
    ['PLAIN that is no base64', 'PLAIN', ['a'], malformed],
    ['PLAIN with characters outside of base64', 'PLAIN', ['AG1lAHNl*3Jl'], malformed],
    ['an empty PLAIN', 'PLAIN', ['='], malformed],
    ['PLAIN with a very long name', 'PLAIN', [base64(`\0${'m'.repeat(2000)}\0secret`)], malformed],
    ['LOGIN', 'LOGIN', [null, base64('me'), base64('secret')], credentials('me', 'secret')],
    ['LOGIN with the name at once', 'LOGIN', [base64('me'), base64('secret')], credentials('me', 'secret')],
    ['LOGIN with an empty password', 'LOGIN', [null, base64('me'), ''], malformed],
    ['LOGIN with a password of NUL', 'LOGIN', [null, base64('me'), base64('\0')], malformed],
    ['LOGIN with a bad name', 'LOGIN', [null, '!'], malformed],
    ['another mechanism', 'CRAM-MD5', [null], malformed],
    ['a member that every object has', 'constructor', [null], malformed],
    ['no mechanism', '', [null], malformed],
  ])('%s', (_, mechanism, responses, wanted) => {
    expect(play(mechanism, responses)).toEqual(wanted);
  });

  it.each([
    ['PLAIN', ''],
    ['LOGIN', 'VXNlcm5hbWU6'],
  ])('of %s begins with the challenge "%s"', (mechanism, challenge) => {
    expect(beginExchange(mechanism, null)).toMatchObject({ kind: 'challenge', challenge });
  });

  it('ends with credentials that were given, whatever is sent', () => {
    const response = fc.oneof(
      fc.string(),
      fc.uint8Array().map((bytes) => base64(Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(fc.constantFrom('PLAIN', 'LOGIN'), fc.array(response), (mechanism, responses) => {
        const step = play(mechanism, responses);
        if (step.kind === 'credentials') {
          expect(step.credentials.name).toMatch(/^[^\u0000-\u001f]+$/);
          expect(step.credentials.password).not.toBe('');
        }
      }),
    );
  });
});

describe('a line of an SMTP server', () => {
  it.each<[string, object]>([
    ['VERSION\t1\t0', { kind: 'version', major: '1' }],
    ['CPID\t4711', { kind: 'other' }],
    [
      'AUTH\t1\tPLAIN\tservice=authentication@17\tnologin\tlip=127.0.0.1\trip=192.0.2.7\tsecured\tresp=AG1l=',
      {
        kind: 'auth',
        id: '1',
        mechanism: 'PLAIN',
        service: 'authentication@17',
        client: '192.0.2.7',
        secured: true,
        response: 'AG1l=',
      },
    ],
    [
      'AUTH\t2\tLOGIN',
      { kind: 'auth', id: '2', mechanism: 'LOGIN', service: '', client: '', secured: false, response: null },
    ],
    ['AUTH\tx\tPLAIN', { kind: 'other' }],
    ['AUTH', { kind: 'other' }],
    ['CONT\t1\tAG1l', { kind: 'continue', id: '1', response: 'AG1l' }],
    ['CONT\t1', { kind: 'continue', id: '1', response: '' }],
    ['CONT\t-1\tx', { kind: 'other' }],
    ['', { kind: 'other' }],
  ])('%s', (line, wanted) => {
    expect(readClientLine(line)).toEqual(wanted);
  });
});
