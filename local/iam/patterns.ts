const escaped = (text: string): string => text.replace(/[.+^${}()|[\]\\/-]/g, '\\$&');

/** What `*` (any characters, none too) and `?` (one) stand for in a policy; `flags` of the regular expression. */
export const likePattern = (text: string, flags = 's'): RegExp =>
  new RegExp(`^${escaped(text).replaceAll('*', '.*').replaceAll('?', '.')}$`, flags);
