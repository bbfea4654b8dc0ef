/** A JSON pointer (RFC 6901) of a path, below `root`. */
export const pointerOf = (path: readonly PropertyKey[], root = ''): string =>
  root + path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The parts of a JSON pointer (RFC 6901, section 4). */
export const partsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
