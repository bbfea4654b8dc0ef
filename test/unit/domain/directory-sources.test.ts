import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalSource,
  directorySourceProblems,
  directorySourceWarnings,
  keptPasswordProblems,
  passwordAfter,
  publicSource,
  type StoredSource,
} from '../../../shared/domain/directory-sources.ts';
import { distinguishedNameFault } from '../../../shared/domain/distinguished-name.ts';
import { expirySummary } from '../../../shared/domain/expiry.ts';
import { filterFault } from '../../../shared/domain/search-filter.ts';

describe('a distinguished name', () => {
  it.each([
    '',
    'dc=example,dc=com',
    'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
    'UID=jsmith,DC=example,DC=net',
    'OU=Sales+CN=J.  Smith,DC=example,DC=net',
    'CN=Before\\0dAfter,DC=example,DC=net',
    '1.3.6.1.4.1.1466.0=#04024869',
    'CN=Lu\\C4\\8Di\\C4\\87',
    'cn=a=b',
    'ou=people, dc=example',
    'cn=Lučić',
  ])('is %j', (text) => {
    expect(distinguishedNameFault(text)).toBeUndefined();
  });

  it.each([
    ['people', 1],
    ['dc=example,', 12],
    ['dc=example,,dc=com', 12],
    ['cn=a"b', 5],
    ['cn=a\\zb', 5],
    ['cn=#0g', 4],
    ['1.02=x', 1],
    ['cn=a;dc=b', 5],
  ])('is not %j, which breaks at character %i', (text, at) => {
    expect(distinguishedNameFault(text)).toMatch(new RegExp(`^At character ${at}: `));
  });

  it('is any value once it is escaped', () => {
    const value = fc
      .string({ minLength: 1 })
      .map((text) =>
        text.replace(/[^A-Za-z0-9]/g, (one) =>
          [...Buffer.from(one)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join(''),
        ),
      );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        expect(distinguishedNameFault(values.map((one) => `cn=${one}`).join(','))).toBeUndefined();
      }),
    );
  });

  it('is read to its end, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const fault = distinguishedNameFault(text);
        if (fault !== undefined) expect(fault).toMatch(/^At character \d+: /);
      }),
    );
  });
});

describe('a search filter', () => {
  it.each([
    '(mail=%s)',
    '(&(objectClass=person)(|(mail=%s)(uid=%u)))',
    '(!(cn=Tim Howes))',
    '(o=univ*of*mich*)',
    '(seeAlso=)',
    '(cn:caseExactMatch:=Fred Flintstone)',
    '(cn:=Betty Rubble)',
    '(sn:dn:2.4.6.8.10:=Barney Rubble)',
    '(o:dn:=Ace Industry)',
    '(:1.2.3:=Wilma)',
    '(:DN:2.4.6.8.10:=Dino)',
    '(o=Parens R Us \\28for all your needs\\29)',
    '(bin=\\00\\00\\00\\04)',
    '(userCertificate;binary=*)',
    '(uidNumber>=1000)',
    '(&)',
    '(userAccountControl:1.2.840.113556.1.4.803:=2)',
  ])('is %s', (text) => {
    expect(filterFault(text)).toBeUndefined();
  });

  it.each([
    ['', 1],
    ['mail=%s', 1],
    ['(mail=%s', 9],
    ['(mail=%s))', 10],
    ['(mail%s)', 6],
    ['(=x)', 2],
    ['(&(mail=%s)(x)', 14],
    ['(mail=\\zz)', 7],
    ['(mail=a(b)', 8],
    ['(!mail=%s)', 3],
  ])('is not %j, which breaks at character %i', (text, at) => {
    expect(filterFault(text)).toMatch(new RegExp(`^At character ${at}: `));
  });

  it('is any that is made by the grammar', () => {
    const value = fc
      .string()
      .map((text) =>
        text.replace(/[\\()\u0000]/g, (one) => `\\${one.charCodeAt(0).toString(16).padStart(2, '0')}`),
      );
    const { filter } = fc.letrec<{ filter: string }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 4 },
        fc
          .tuple(
            fc.constantFrom('mail', 'cn;lang-en', '2.5.4.3'),
            fc.constantFrom('=', '>=', '<=', '~='),
            value,
          )
          .map(([name, operator, text]) => `(${name}${operator}${text})`),
        fc
          .tuple(fc.constantFrom('&', '|'), fc.array(tie('filter'), { maxLength: 3 }))
          .map(([operator, inner]) => `(${operator}${inner.join('')})`),
        tie('filter').map((inner) => `(!${inner})`),
      ),
    }));
    fc.assert(
      fc.property(filter, (text) => {
        expect(filterFault(text)).toBeUndefined();
      }),
    );
  });

  it('that is nested without end is refused', () => {
    expect(filterFault(`${'(!'.repeat(60_000)}(a=b)`)).toContain('deep');
  });
});

const source = {
  name: 'People',
  functions: ['authentication'],
  host: 'ldap.example.com',
  baseDn: 'dc=example,dc=com',
  userFilter: '(mail=%s)',
};
const codesOf = (more: object) =>
  directorySourceProblems({ ...source, ...more }).map(({ pointer, code }) => `${pointer} ${code}`);

describe('a directory source', () => {
  it.each([
    [{}, []],
    [{ host: '192.0.2.1' }, []],
    [{ host: '2001:db8::1' }, []],
    [{ bindDn: 'cn=reader', bindPassword: 'x' }, []],
    [{ host: 'a b' }, ['/host HOST_INVALID']],
    [{ bindDn: 'reader' }, ['/bindDn DISTINGUISHED_NAME_INVALID']],
    [{ bindDn: '' }, ['/bindDn DISTINGUISHED_NAME_INVALID']],
    [{ baseDn: '' }, []],
    [{ userFilter: '(mail=someone)' }, ['/userFilter FILTER_INVALID']],
    [{ userFilter: '(uid=%u)' }, []],
    [{ userFilter: '(%s=x)' }, ['/userFilter FILTER_INVALID']],
    [{ bindPassword: 'x' }, ['/bindDn REQUIRED']],
    [{ bindPassword: null }, []],
    [{ functions: ['routing', 'routing'] }, ['/functions/1 VALUE_INVALID']],
    [
      { host: '', baseDn: 'x', userFilter: 'y', bindPassword: 'z' },
      ['/baseDn DISTINGUISHED_NAME_INVALID', '/userFilter FILTER_INVALID', '/bindDn REQUIRED'],
    ],
  ])('with %j is refused for %j', (more, expected) => {
    expect(codesOf(more)).toEqual(expected);
  });

  const input = { ...source, tls: 'start-tls' as const, bindDn: null, timeoutSeconds: 10 };
  const stored = (more: object = {}): StoredSource => ({
    ...canonicalSource({ ...input, functions: ['routing', 'authentication'] }),
    directorySourceId: 'directory-0000000000000000',
    bindPassword: null,
    passwordChangedAt: null,
    version: 1,
    createdAt: '2026-11-24T10:00:00.000Z',
    updatedAt: '2026-11-24T10:00:00.000Z',
    ...more,
  });

  it('has one form: functions in one order, the port of its protocol, the host short', () => {
    expect(stored()).toMatchObject({ functions: ['authentication', 'routing'], port: 389 });
    expect(
      canonicalSource({ ...input, functions: ['routing'], tls: 'ldaps', host: '2001:DB8:0::1' }),
    ).toMatchObject({
      port: 636,
      host: '2001:db8::1',
    });
    expect(canonicalSource({ ...input, functions: ['routing'], port: 3890 }).port).toBe(3890);
  });

  it('keeps the stored password unless one or null is given', () => {
    expect([
      passwordAfter(undefined, 'old'),
      passwordAfter('new', 'old'),
      passwordAfter(null, 'old'),
    ]).toEqual(['old', 'new', null]);
    const given = { ...input, functions: ['routing' as const] };
    const old = stored({ bindDn: 'cn=reader', bindPassword: 'old' });
    expect(keptPasswordProblems(given, old)).toMatchObject([{ pointer: '/bindDn', code: 'REQUIRED' }]);
    expect(keptPasswordProblems(given, stored())).toEqual([]);
    expect(keptPasswordProblems({ ...given, bindDn: 'cn=reader' }, old)).toEqual([]);
  });

  it.each([
    ['another host', { host: 'evil.example.net' }],
    ['another port', { port: 1389 }],
    ['another name', { bindDn: 'cn=other' }],
    ['the same host without TLS', { tls: 'none' as const }],
  ])('does not send a stored password to %s: it must be given again, or taken away', (_, more) => {
    const given = { ...input, functions: ['routing' as const], bindDn: 'cn=reader', ...more };
    const old = stored({ bindDn: 'cn=reader', bindPassword: 'old' });
    expect(keptPasswordProblems(given, old)).toMatchObject([{ pointer: '/bindPassword', code: 'REQUIRED' }]);
    for (const bindPassword of ['new', null])
      expect(keptPasswordProblems({ ...given, bindPassword }, old)).toEqual([]);
  });

  it('is shown without its password', () => {
    const shown = publicSource(stored({ bindDn: 'cn=reader', bindPassword: 'MARKER' }));
    expect(shown.hasBindPassword).toBe(true);
    expect(JSON.stringify(shown)).not.toContain('MARKER');
  });

  it('is warned of where passwords cross the network in the clear, or a name has none', () => {
    const codes = (more: object) => directorySourceWarnings(stored(more)).map(({ code }) => code);
    expect(codes({})).toEqual([]);
    expect(codes({ tls: 'none' })).toEqual(['DIRECTORY_WITHOUT_TLS']);
    expect(codes({ tls: 'none', functions: ['routing'] })).toEqual([]);
    expect(codes({ tls: 'none', functions: ['routing'], bindDn: 'cn=r', bindPassword: 'x' })).toEqual([
      'DIRECTORY_WITHOUT_TLS',
    ]);
    expect(codes({ bindDn: 'cn=r' })).toEqual(['BIND_WITHOUT_PASSWORD']);
  });
});

describe('the expiry of certificates', () => {
  const now = new Date('2026-11-24T10:00:00.000Z');
  const ending = (id: string, days: number) => ({
    id,
    name: id,
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: new Date(now.getTime() + days * 86_400_000).toISOString(),
  });

  it('counts those that have ended apart from those that soon will', () => {
    const summary = expirySummary(
      [ending('a', -1), ending('b', 12.5), ending('c', 30), ending('d', 31)],
      now,
    );
    expect(summary.daysUntilFirst).toBe(12);
    expect(summary.expiring.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(summary.expired.map(({ id }) => id)).toEqual(['a']);
  });

  it('of none has no first', () => {
    expect(expirySummary([], now)).toEqual({ daysUntilFirst: null, expiring: [], expired: [] });
    expect(expirySummary([ending('a', -1)], now).daysUntilFirst).toBeNull();
  });
});
