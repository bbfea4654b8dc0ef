/** A JSON pointer (RFC 6901) of a path, below `root`. */
export const pointerOf = (path: readonly PropertyKey[], root = ''): string =>
  root + path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
