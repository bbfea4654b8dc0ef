import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedLists, isNews, nextStep } from '../../../scanner/plan.ts';
import { anyDesired, desired, root, wholeDesired } from './documents.ts';

const refusal = { pointer: '/inbound', message: 'not on this host' };

describe('what to do next', () => {
  it('without a desired document is to wait', () => {
    expect(nextStep({ document: undefined, applied: null, refused: null })).toEqual({ do: 'wait' });
    expect(nextStep({ document: {}, applied: desired(), refused: null })).toEqual({ do: 'wait' });
  });

  it('with nothing applied is to apply with every list', () => {
    const document = wholeDesired();
    expect(nextStep({ document, applied: null, refused: null })).toEqual({
      do: 'apply',
      desired: document,
      changed: ['inbound', 'outbound', 'authentication'],
    });
  });

  it('when what is applied is what is desired is to keep it, in whatever order its members are', () => {
    const { revision, lists, inbound, ...rest } = desired();
    const document = { lists, inbound: { accept: inbound?.accept, ipv4: inbound?.ipv4 }, ...rest, revision };
    expect(nextStep({ document, applied: desired(), refused: null }).do).toBe('keep');
  });

  it('when only the settings changed is to apply without any list', () => {
    const document = desired({ revision: 8 });
    expect(nextStep({ document, applied: desired(), refused: null })).toMatchObject({
      do: 'apply',
      changed: [],
    });
  });

  it('when one list changed is to apply with that list alone', () => {
    const document = wholeDesired({ revision: 8 });
    document.lists.outbound = { root: root('d'), entries: 2 };
    expect(nextStep({ document, applied: wholeDesired(), refused: null })).toMatchObject({
      changed: ['outbound'],
    });
  });

  it('for an older revision than the applied one is to obey', () => {
    const step = nextStep({ document: desired({ revision: 3 }), applied: desired(), refused: null });
    expect(step).toMatchObject({ do: 'apply', desired: { revision: 3 } });
  });

  it('for the same revision with other content is to apply it', () => {
    const document = desired({ lists: { inbound: { root: root('b'), entries: 2 } } });
    expect(nextStep({ document, applied: desired(), refused: null }).do).toBe('apply');
  });

  it('for a revision that was found impossible is to refuse it again, and to try the next', () => {
    const refused = { revision: 7, refusal };
    expect(nextStep({ document: desired(), applied: null, refused })).toEqual({
      do: 'refuse',
      revision: 7,
      refusal,
    });
    expect(nextStep({ document: desired({ revision: 8 }), applied: null, refused }).do).toBe('apply');
  });

  it('for a document that can never work is to refuse it', () => {
    const document = desired({ lists: {} });
    expect(nextStep({ document, applied: desired(), refused: null })).toMatchObject({
      do: 'refuse',
      revision: 7,
      refusal: { pointer: '/lists/inbound' },
    });
  });

  it('after applying anything is to keep it', () => {
    fc.assert(
      fc.property(anyDesired, fc.option(anyDesired), (document, before) => {
        const step = nextStep({ document, applied: before, refused: null });
        const applied = step.do === 'apply' ? step.desired : before;
        expect(nextStep({ document, applied, refused: null })).toEqual({ do: 'keep', desired: document });
      }),
    );
  });

  it('never takes a list as applied that is not applied with the same root', () => {
    fc.assert(
      fc.property(anyDesired, fc.option(anyDesired), (document, before) => {
        const changed = changedLists(document, before);
        for (const [name, list] of Object.entries(document.lists))
          if (!changed.includes(name as 'inbound'))
            expect(before?.lists[name as 'inbound']?.root).toBe(list?.root);
      }),
    );
  });
});

describe('a delta', () => {
  it('that names the revision at hand is an echo', () => {
    expect(isNews({ version: 4, state: { revision: 7, inbound: {} } }, 7)).toBe(false);
  });

  it.each([
    ['another revision', { state: { revision: 8 } }, 7],
    ['no revision', { state: { lists: {} } }, 7],
    ['any revision while none is at hand', { state: { revision: 7 } }, null],
    ['no state', {}, 7],
    ['no JSON at all', null, 7],
  ])('that names %s is news', (_, delta, atHand) => {
    expect(isNews(delta, atHand)).toBe(true);
  });
});
