import { describe, expect, it } from 'vitest';
import { domainBindingsText } from '../../../shared/domain/artifacts.ts';
import { firstHead, type Head } from '../../../shared/domain/configuration.ts';
import { artifactsHandedOut } from '../../../shared/domain/handed-out.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import { sha256 } from './sha256.ts';

const digest = (digit: string) => digit.repeat(64);
const list = { root: digest('0'), entries: 0, enabled: 0 };
const lists = { inbound: list, outbound: list, authentication: list, 'local-delivery': list, relay: list };
const first = firstHead('mx1', lists, 'me', 'x');
const advanced = advancedSettings.parse({
  bindings: { domains: [{ domain: 'example.com', sources: ['auto'] }] },
});
const head: Head = {
  ...first,
  revision: 7,
  configuration: {
    ...first.configuration,
    advanced,
    artifacts: { 'cert-0123456789abcdef': digest('1'), 'directory-sources': digest('2') },
  },
};

describe('what a Scanner may have as artifacts', () => {
  it('under the revision of its head is what the head names: secrets of the fleet, and its own bindings', () => {
    const own = sha256(domainBindingsText(advanced) ?? '');
    expect(Object.fromEntries(artifactsHandedOut(head, 7, sha256))).toEqual({
      [digest('1')]: `secrets/${digest('1')}`,
      [digest('2')]: `secrets/${digest('2')}`,
      [own]: `artifacts/${own}`,
    });
  });

  it.each([1, 6, 8])('under revision %i, which is not that of its head, is nothing', (revision) => {
    expect(artifactsHandedOut(head, revision, sha256).size).toBe(0);
  });

  it('is nothing when the head names none, and never a list', () => {
    expect(artifactsHandedOut(first, 1, sha256).size).toBe(0);
    expect(artifactsHandedOut(head, 7, sha256).has(digest('0'))).toBe(false);
  });
});
