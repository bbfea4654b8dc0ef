import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Lockfile, packagesOf } from '../../scripts/licences.ts';

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const manifest = read<Manifest>('package.json');
const packages = packagesOf(read<Lockfile>('package-lock.json'));

/** Licences that let anybody use, change and pass on; MPL only where nothing of ours is joined with the files that it covers. */
const accepted = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Python-2.0',
]);
const acceptedToBuild = new Set([...accepted, 'MPL-2.0']);

/** One of the alternatives of an expression is enough. */
const allowed = (licence: string | null, known: Set<string>): boolean =>
  (licence ?? '')
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((one) => known.has(one));

describe('the lockfile', () => {
  it('fixes every package by the hash of its archive, or lies inside of one that is', () => {
    expect(
      packages.filter(({ integrity, inBundle }) => !inBundle && !integrity?.startsWith('sha512-')),
    ).toEqual([]);
  });

  it('has only packages whose licence is accepted', () => {
    const runs = packages.filter(({ dev, licence }) => !dev && !allowed(licence, accepted));
    const builds = packages.filter(({ dev, licence }) => dev && !allowed(licence, acceptedToBuild));
    expect([...runs, ...builds].map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  });

  it('has an install script only where package.json says that it is not run', () => {
    const scripted = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect(scripted.sort()).toEqual(Object.keys(manifest.allowScripts).sort());
    expect(Object.values(manifest.allowScripts)).not.toContain(true);
  });
});

describe('package.json', () => {
  it('asks for exact versions', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
