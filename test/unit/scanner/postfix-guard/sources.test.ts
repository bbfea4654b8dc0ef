import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterFor } from '../../../../scanner/postfix/guard/ldap-source.ts';
import { tlsOptionsOf } from '../../../../scanner/postfix/guard/smtp-source.ts';
import { filterFault } from '../../../../shared/domain/search-filter.ts';

describe('the filter for a user', () => {
  it.each<[string, string, string | null]>([
    ['(mail=%s)', 'me@x.org', '(mail=me@x.org)'],
    ['(&(uid=%u)(dc=%d))', 'me@x.org', '(&(uid=me)(dc=x.org))'],
    ['(&(uid=%u)(dc=%d))', 'a@b@x.org', '(&(uid=a@b)(dc=x.org))'],
    ['(uid=%u)', 'me', '(uid=me)'],
    ['(&(uid=%u)(dc=%d))', 'me', null],
    ['(uid=%s)', '*', '(uid=\\2a)'],
    ['(uid=%s)', 'a)(uid=*', '(uid=a\\29\\28uid=\\2a)'],
    ['(uid=%s)', 'a\\2a', '(uid=a\\5c2a)'],
    ['(uid=%s)', '%u$&', '(uid=%u$&)'],
  ])('%s of %s', (filter, name, wanted) => {
    expect(filterFor(filter, name)).toBe(wanted);
  });

  it('is one filter of the same shape whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const filter = filterFor('(&(objectClass=person)(|(mail=%s)(uid=%u)))', name) ?? '';
        expect(filterFault(filter)).toBeUndefined();
        expect(
          filter
            .replace(/\\[0-9a-f]{2}/g, '')
            .match(/[()*]/g)
            ?.join(''),
        ).toBe('(()(()()))');
      }),
    );
  });
});

describe('TLS to an SMTP server', () => {
  const server = { type: 'smtp-forwarding', host: 'auth.example.com', port: 25 } as const;

  it.each([
    ['none', 25, { secure: false, ignoreTLS: true, requireTLS: false }, false],
    ['opportunistic', 25, { secure: false, ignoreTLS: false, requireTLS: false }, false],
    ['required', 25, { secure: false, ignoreTLS: false, requireTLS: true }, true],
    ['none', 465, { secure: false, ignoreTLS: true, requireTLS: false }, false],
    ['required', 465, { secure: true, ignoreTLS: false, requireTLS: true }, true],
  ] as const)('that is %s at port %d', (tls, port, wanted, verified) => {
    const options = tlsOptionsOf({ ...server, tls, port }, {});
    expect(options).toMatchObject({ ...wanted, opportunisticTLS: false });
    expect(options.tls.rejectUnauthorized).toBe(verified);
  });
});
