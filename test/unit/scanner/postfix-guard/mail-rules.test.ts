import { describe, expect, it } from 'vitest';
import { actions } from '../../../../scanner/postfix/guard/actions.ts';
import { mailRefusal } from '../../../../scanner/postfix/guard/mail-rules.ts';
import type { Direction, GuardListener } from '../../../../scanner/postfix/guard-configuration.ts';
import { rulesOf } from './rules.ts';

const calm = { messages: 0, quotaCrossed: false };
const request = { certificate: 'none', isAuthenticated: false, sender: 'a@x.org' } as const;

describe('a message', () => {
  it.each<[GuardListener['clientCertificate'], 'none' | 'trusted' | 'untrusted', string | null]>([
    ['none', 'none', null],
    ['none', 'untrusted', null],
    ['request', 'none', null],
    ['request', 'trusted', null],
    ['request', 'untrusted', '554 5.7.1 tls_invalid_client_certificate'],
    ['require', 'none', actions.certificateNeeded],
    ['require', 'trusted', null],
    ['require', 'untrusted', '554 5.7.1 tls_invalid_client_certificate'],
  ])('where a certificate is "%s", with one that is %s', (clientCertificate, certificate, wanted) => {
    expect(mailRefusal({ ...request, certificate }, 'inbound', { clientCertificate }, rulesOf(), calm)).toBe(
      wanted,
    );
  });

  it.each<[Direction, boolean, string | null]>([
    ['authentication', false, actions.authenticationNeeded],
    ['authentication', true, null],
    ['outbound', false, null],
    ['inbound', false, null],
  ])('of %s with authentication %s', (direction, isAuthenticated, wanted) => {
    const listener = { clientCertificate: 'none' } as const;
    expect(mailRefusal({ ...request, isAuthenticated }, direction, listener, rulesOf(), calm)).toBe(wanted);
  });

  it.each<['refuse' | 'complete', string, string | null]>([
    ['refuse', 'root', actions.bareSender],
    ['refuse', '', null],
    ['refuse', 'a@x.org', null],
    ['complete', 'root', null],
  ])('where a sender without a domain is to %s, of "%s"', (bareSender, sender, wanted) => {
    const listener = { clientCertificate: 'none' } as const;
    expect(mailRefusal({ ...request, sender }, 'outbound', listener, rulesOf({ bareSender }), calm)).toBe(
      wanted,
    );
  });

  it.each<[number, number, boolean, string | null]>([
    [0, 1_000_000, false, null],
    [3, 2, false, null],
    [3, 3, false, actions.tooManyMessages],
    [3, 2, true, '421 4.7.1 Recipient quota exceeded'],
  ])('in a session of at most %d, after %d, with the quota crossed %s', (most, messages, quotaCrossed, wanted) => {
    const rules = rulesOf({ maxMessagesPerSession: most });
    const counted = { messages, quotaCrossed };
    expect(mailRefusal(request, 'outbound', { clientCertificate: 'none' }, rules, counted)).toBe(wanted);
  });
});
