/**
 * Text that a spreadsheet would take for a formula: it begins with one of the characters that OWASP names ("CSV Injection"), their
 * full-width forms included, perhaps behind white space, which some programs drop, or behind apostrophes of ours. Line ends and tabs cannot be
 * in a comment.
 */
const formula = /^['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const madeInert = /^'['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/** The text as a spreadsheet leaves it alone: an apostrophe before what it would compute. `asWritten` takes exactly that away again. */
export const inert = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** What `inert` was given. */
export const asWritten = (text: string): string => (madeInert.test(text) ? text.slice(1) : text);
