import type { ErrorCode } from '../../errors.ts';

export type DomainResult = { ok: true; name: string } | { ok: false; code: ErrorCode; message: string };

const refuse = (code: ErrorCode, message: string): DomainResult => ({ ok: false, code, message });

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const readsAsNumber = /^(?:\d+|0x[0-9a-f]*)$/;
const asciiHost = /^[a-z0-9._-]+$/;
const longest = 253;

/** What may stand beside non-ASCII characters; the URL parser would decode or cut at anything else. */
const foreignHost = /^[^\u0000-\u002c\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]+$/;

/**
 * UTS 46 non-transitional processing by the platform's URL parser (WHATWG URL, "domain to ASCII"); null when the name does not
 * survive it. Dots are handed over as ideographic full stops, which map to dots: the parser takes a short cut around the
 * processing for names that are ASCII, and would let an `xn--` label pass that does not decode.
 */
const toAscii = (name: string): string | null => {
  if (!foreignHost.test(name)) return null;
  return URL.parse(`http://${name.replaceAll('.', '\u3002')}/`)?.hostname ?? null;
};

const asciiName = (name: string): string | null => {
  const lower = name.toLowerCase();
  const foreign = !asciiHost.test(lower);
  if (!foreign && !/(?:^|\.)xn--/.test(lower)) return lower;
  const ascii = toAscii(lower);
  return ascii === null || (!foreign && ascii !== lower) ? null : ascii;
};

/**
 * The lower-case A-label form of a domain name of two or more labels (letters, digits, hyphens, underscores; RFC 1035
 * lengths; one trailing dot dropped), or why it is none. A last label that reads as a number would be an address.
 */
export const parseDomain = (text: string): DomainResult => {
  const name = asciiName(text.endsWith('.') ? text.slice(0, -1) : text);
  if (name === null)
    return refuse('DOMAIN_INVALID', 'The name has characters that a domain name cannot have.');
  const labels = name.split('.');
  const bad = labels.find((part) => !label.test(part));
  if (bad !== undefined || name.length > longest)
    return refuse(
      'DOMAIN_INVALID',
      'Each label has 1 to 63 letters, digits, hyphens or underscores and no hyphen at its ends; 253 characters in all.',
    );
  if (readsAsNumber.test(labels.at(-1) ?? ''))
    return refuse(
      labels.length > 1 ? 'DOMAIN_INVALID' : 'NOT_AN_ENTRY',
      'The last label of a domain name is not a number.',
    );
  if (labels.length < 2) return refuse('DOMAIN_SINGLE_LABEL', 'A domain has two labels or more.');
  return { ok: true, name };
};
