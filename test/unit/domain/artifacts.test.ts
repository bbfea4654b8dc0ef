import { describe, expect, it } from 'vitest';
import {
  artifactChanges,
  artifactsNeeded,
  artifactsOf,
  ownArtifacts,
} from '../../../shared/domain/artifacts.ts';
import { advancedSettings, defaultAdvanced } from '../../../shared/schemas/advanced.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { sha256 } from './sha256.ts';

const [one, other] = ['cert-0000000000000001', 'cert-0000000000000002'];
const address = '192.0.2.1';
const tls = (certificateId: string, more: object = {}) => ({ accept: true, certificateId, ...more });
const settings = (inboundTls: object, authentication: object = { enabled: false }) =>
  smtpSettings.parse({
    mailFiltering: 'inbound-and-outbound',
    inbound: { ipv4: { address }, tls: inboundTls },
    outbound: { ipv4: { address, port: 26 }, tls: tls(one ?? '') },
    authentication,
  });

describe('what settings need of the fleet', () => {
  it('is nothing before the first save', () => {
    expect(artifactsNeeded(null)).toEqual([]);
  });

  it('is each certificate once', () => {
    expect(artifactsNeeded(settings(tls(one ?? '')))).toEqual([one]);
    expect(artifactsNeeded(settings(tls(other ?? '')))).toEqual([other, one]);
  });

  it('is the authorities where certificates of clients are verified', () => {
    expect(artifactsNeeded(settings(tls(one ?? '', { clientCertificate: 'request' })))).toEqual([
      one,
      'client-authorities',
    ]);
  });

  it('is the directory sources where they authenticate, and only while authentication is on', () => {
    const authentication = {
      enabled: true,
      source: { type: 'ldap' },
      ipv4: { address, port: 587 },
      tls: tls(other ?? ''),
    };
    expect(artifactsNeeded(settings({ accept: false }, authentication))).toEqual([
      one,
      other,
      'directory-sources',
    ]);
    expect(artifactsNeeded(settings({ accept: false }, { ...authentication, enabled: false }))).toEqual([
      one,
    ]);
  });

  it('has the digests of the day', () => {
    expect(
      artifactsOf(
        settings({ accept: false }),
        new Map([
          [one ?? '', 'd1'],
          ['unasked', 'd2'],
        ]),
      ),
    ).toEqual({ [one ?? '']: 'd1' });
  });
});

it('what a commit takes and leaves is told by name', () => {
  expect(artifactChanges({ a: '1', b: '1', c: '1' }, { a: '1', b: '2', d: '1' })).toEqual({
    taken: [
      ['b', '2'],
      ['d', '1'],
    ],
    left: ['c'],
  });
});

it('the bindings of domains are an artifact of their own, where there are any', () => {
  const some = advancedSettings.parse({
    bindings: { domains: [{ domain: 'example.com', sources: ['auto'] }] },
  });
  expect(ownArtifacts(defaultAdvanced(), sha256)).toEqual({});
  expect(ownArtifacts(some, sha256)).toEqual({
    'domain-bindings': sha256('[{"domain":"example.com","sources":["auto"]}]'),
  });
});
