import type { Problem } from '../errors.ts';
import { type MailFiltering, mailFilteringModes } from '../schemas/smtp.ts';
import { canonicalIpv4, canonicalIpv6 } from './lists/addresses.ts';

/** The three sections of the tab. */
export const sections = ['inbound', 'outbound', 'authentication'] as const;
export type Section = (typeof sections)[number];

/** Which sections each mode shows (tab, the three radio buttons). */
export const shown: Record<MailFiltering, readonly Section[]> = {
  inbound: ['inbound'],
  outbound: ['outbound', 'authentication'],
  'inbound-and-outbound': ['inbound', 'outbound', 'authentication'],
};

export const families = ['ipv4', 'ipv6'] as const;
export type Family = (typeof families)[number];
export const canonicalAddress = { ipv4: canonicalIpv4, ipv6: canonicalIpv6 };

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const problem = (pointer: string, code: Problem['code'], message: string): Problem => ({
  pointer,
  code,
  message,
});

/** The mode that a body names, where it names one. */
export const modeOf = (body: JsonObject): MailFiltering | undefined =>
  mailFilteringModes.find((mode) => mode === body['mailFiltering']);

/** A member of a section of a body, where both are objects. */
export const memberOf = (body: JsonObject, section: Section, member: string): JsonObject | undefined => {
  const holder = body[section];
  const inner = isObject(holder) ? holder[member] : undefined;
  return isObject(inner) ? inner : undefined;
};

/** True when a body enables authentication. */
export const isEnabled = (body: JsonObject): boolean =>
  isObject(body['authentication']) && body['authentication']['enabled'] === true;

/** Sections of a body whose rules apply: authentication only when enabled (DESIGN 3). */
export const activeSections = (body: JsonObject): Section[] =>
  sections.filter((section) => isObject(body[section]) && (section !== 'authentication' || isEnabled(body)));
