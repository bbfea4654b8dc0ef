/** A package as the lockfile records it. */
export interface Locked {
  version?: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
}

export interface Lockfile {
  packages: Record<string, Locked>;
}

export interface Package extends Locked {
  /** As it is installed, e.g. `@middy/core`. */
  name: string;
  /** Its folder below the root of the checkout. */
  path: string;
  /** SPDX expression of its licence; null where the lockfile has none. */
  licence: string | null;
}

/** Licences that the lockfile does not record, because their packages name them in a form of long ago; read in the packages. */
const readByHand: Record<string, string> = { busboy: 'MIT', streamsearch: 'MIT' };

/** Every package that the lockfile may install, by name. */
export const packagesOf = ({ packages }: Lockfile): Package[] =>
  Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, locked]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { ...locked, path, name, licence: locked.license ?? readByHand[name] ?? null };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));

const rows = (packages: Package[]): string =>
  packages
    .map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`)
    .filter((row, i, all) => row !== all[i - 1])
    .join('\n');

const counted = (packages: Package[]): string => {
  const counts = new Map<string, number>();
  for (const { licence } of packages) counts.set(`${licence}`, (counts.get(`${licence}`) ?? 0) + 1);
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([licence, count]) => `| ${licence} | ${count} |`)
    .join('\n');
};

/** The page of licences. What a function may hold is named package by package; what only builds and tests is counted. */
export const licencesPage = (lockfile: Lockfile): string => {
  const packages = packagesOf(lockfile);
  return `# Licences of what this project uses

Generated from \`package-lock.json\` by \`npm run gen\`. \`npm run -s sbom\` writes the first table as a bill of materials (CycloneDX), with
the SHA-512 of each package.

## What functions and Scanners may hold

| package | version | licence |
|---|---|---|
${rows(packages.filter(({ dev, optional }) => !dev && !optional))}

## What only builds, tests, or runs the embedded stack

| licence | packages |
|---|---|
${counted(packages.filter(({ dev, optional }) => dev || optional))}
`;
};
