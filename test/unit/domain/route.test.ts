import { describe, expect, it } from 'vitest';
import type { DerivedName } from '../../../shared/domain/derived.ts';
import { routeOf } from '../../../shared/domain/route.ts';
import { keys, sortKeys } from '../../../shared/tables.ts';

const root = 'ab'.repeat(32);

describe('a change in the table', () => {
  it('of an import wakes the worker that imports, with the job', () => {
    expect(routeOf({ pk: keys.ofImport('imp-1'), sk: keys.import })).toEqual({
      worker: 'import',
      message: { importId: 'imp-1' },
    });
  });

  it.each([
    'cert-0123',
    'directory-sources',
    'client-authorities',
  ])('of an artifact wakes the worker that renews, with its name: %s', (artifact) => {
    expect(routeOf({ pk: keys.ofArtifact(artifact), sk: sortKeys.artifact })).toEqual({
      worker: 'renew',
      message: { artifact },
    });
  });

  it.each<DerivedName>([
    'lint-inbound',
    'lint-authentication',
    'export-csv',
    'export-json',
  ])('of a wish wakes the worker that makes things of lists, with root and name: %s', (name) => {
    expect(routeOf({ pk: keys.ofDerived(root, name), sk: keys.derived })).toEqual({
      worker: 'derive',
      message: { root, name },
    });
  });

  it.each([
    ['of a head', keys.ofScanner('mx1'), sortKeys.head],
    ['of nothing', '', ''],
    ['of what only looks like a kind of thing', keys.ofImport('imp-1'), 'constructor'],
    ['of a job without an id', keys.ofImport(''), keys.import],
    ['of an artifact without a name', keys.ofArtifact(''), sortKeys.artifact],
    ['of a wish for a list that has no root', keys.ofDerived('mine', 'export-csv'), keys.derived],
    ['of a wish for what nobody makes', keys.ofDerived(root, 'export-xml'), keys.derived],
    ['of a wish for lint of no access list', keys.ofDerived(root, 'lint-relay'), keys.derived],
    ['of a wish for nothing', `derived#${root}`, keys.derived],
  ])('%s is an error', (_, pk, sk) => {
    expect(() => routeOf({ pk, sk })).toThrow();
  });
});
