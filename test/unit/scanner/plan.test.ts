import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedSince, nextStep } from '../../../scanner/plan.ts';
import type { Desired } from '../../../shared/domain/desired.ts';
import type { SmtpDesired } from '../../../shared/messages/shadow.ts';
import { advancedDesired, anyPair, desired, pair, root, wholeDesired } from './documents.ts';

const refusal = { pointer: '/inbound', message: 'not on this host' };

/** The step for documents over what is applied. */
const step = (documents: { smtp?: unknown; advanced?: unknown }, applied: Desired | null = null) =>
  nextStep({ documents: { smtp: undefined, advanced: undefined, ...documents }, applied, refused: null });

const smtpStep = (smtp: SmtpDesired, applied: Desired | null = null) => step(pair(smtp), applied);

describe('what to do next', () => {
  it('without a desired document is to rest', () => {
    expect(step({})).toEqual({ do: 'rest' });
    expect(step({ smtp: {}, advanced: advancedDesired() }, pair(desired()))).toEqual({ do: 'rest' });
  });

  it('with nothing applied is to apply with every list and every artifact', () => {
    expect(smtpStep(wholeDesired())).toEqual({
      do: 'apply',
      desired: pair(wholeDesired()),
      changed: { lists: ['inbound', 'outbound', 'authentication'], artifacts: ['directory-sources'] },
    });
  });

  it('when what is applied is what is desired is to keep it, in whatever order its members are', () => {
    const { revision, lists, inbound, ...rest } = desired();
    const { ipv4, tls, accept } = inbound as NonNullable<typeof inbound>;
    const document = { lists, inbound: { accept, tls, ipv4 }, ...rest, revision };
    expect(smtpStep(document, pair(desired()))).toMatchObject({ do: 'keep', settled: true });
  });

  it('when only the settings changed is to apply without any list', () => {
    expect(smtpStep(desired({ revision: 8 }), pair(desired()))).toMatchObject({
      do: 'apply',
      changed: { lists: [], artifacts: [] },
    });
  });

  it('when only the advanced settings changed is to apply them', () => {
    const next = pair(desired({ revision: 8 }), advancedDesired({ delivery: { minRetryMinutes: 5 } }));
    expect(step(next, pair(desired()))).toMatchObject({
      do: 'apply',
      desired: next,
      changed: { lists: [], artifacts: [] },
    });
  });

  it('when one list changed is to apply with that list alone', () => {
    const document = wholeDesired({ revision: 8 });
    document.lists.outbound = { root: root('d'), entries: 2 };
    expect(smtpStep(document, pair(wholeDesired()))).toMatchObject({
      changed: { lists: ['outbound'], artifacts: [] },
    });
  });

  it('when one artifact changed and one came is to apply with those alone', () => {
    const before = wholeDesired({
      artifacts: { 'directory-sources': root('1'), 'client-authorities': root('2') },
    });
    const artifacts = {
      'directory-sources': root('3'),
      'client-authorities': root('2'),
      'domain-bindings': root('4'),
    };
    const next = wholeDesired({ revision: 8, artifacts });
    expect(smtpStep(next, pair(before))).toMatchObject({
      changed: { lists: [], artifacts: ['directory-sources', 'domain-bindings'] },
    });
  });

  it('for an older revision than the applied one is to obey', () => {
    expect(smtpStep(desired({ revision: 3 }), pair(desired()))).toMatchObject({
      do: 'apply',
      desired: { smtp: { revision: 3 } },
    });
  });

  it('for the same revision with other content is to apply it', () => {
    const document = desired({ lists: { inbound: { root: root('b'), entries: 2 } } });
    expect(smtpStep(document, pair(desired())).do).toBe('apply');
  });

  it('for a revision that was found impossible is to refuse it again, and to try the next', () => {
    const refused = { revision: 7, refusal };
    const { do: again, ...why } = nextStep({ documents: pair(desired()), applied: null, refused });
    expect(again).toBe('refuse');
    expect(why).toEqual({ revision: 7, refusal });
    const next = pair(desired({ revision: 8 }));
    expect(nextStep({ documents: next, applied: null, refused }).do).toBe('apply');
  });

  it('for a document that can never work is to refuse it', () => {
    expect(smtpStep(desired({ lists: {} }), pair(desired()))).toMatchObject({
      do: 'refuse',
      revision: 7,
      refusal: { pointer: '/lists/inbound' },
    });
  });

  it('after applying anything is to keep it', () => {
    fc.assert(
      fc.property(anyPair, fc.option(anyPair), (documents, before) => {
        const first = step(documents, before);
        const applied = first.do === 'apply' ? first.desired : before;
        expect(step(documents, applied)).toEqual({ do: 'keep', desired: documents, settled: true });
      }),
    );
  });

  it('never takes as applied what is not applied under the same hash', () => {
    fc.assert(
      fc.property(anyPair, fc.option(anyPair), ({ smtp }, before) => {
        const changed = changedSince(smtp, before?.smtp ?? null);
        for (const [name, list] of Object.entries(smtp.lists))
          if (!changed.lists.includes(name as 'inbound'))
            expect(before?.smtp.lists[name as 'inbound']?.root).toBe(list?.root);
        for (const [name, digest] of Object.entries(smtp.artifacts ?? {}))
          if (!changed.artifacts.includes(name)) expect(before?.smtp.artifacts?.[name]).toBe(digest);
      }),
    );
  });
});

describe('what to do while the advanced settings are not those that the settings name', () => {
  const other = advancedDesired({ delivery: { minRetryMinutes: 5 } });
  const next = pair(desired({ revision: 8 }), other);

  it.each([
    ['are not there', undefined],
    ['are still the old ones', advancedDesired()],
    ['are newer', advancedDesired({ delivery: { minRetryMinutes: 6 } })],
  ])('is to wait when they %s', (_, advanced) => {
    for (const applied of [null, pair(desired())])
      expect(step({ smtp: next.smtp, advanced }, applied)).toEqual({ do: 'wait', revision: 8 });
  });

  it('is to keep what is applied, but not to settle, when the settings have not moved yet', () => {
    const applied = pair(desired());
    expect(step({ smtp: applied.smtp, advanced: other }, applied)).toEqual({
      do: 'keep',
      desired: applied,
      settled: false,
    });
  });

  it('is never to apply, whatever the two are', () => {
    fc.assert(
      fc.property(anyPair, anyPair, fc.option(anyPair), (one, two, applied) => {
        fc.pre(one.smtp.advanced !== two.smtp.advanced);
        expect(step({ smtp: one.smtp, advanced: two.advanced }, applied).do).not.toBe('apply');
      }),
    );
  });
});
