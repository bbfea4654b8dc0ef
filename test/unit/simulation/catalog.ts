import { domainBindingsText } from '../../../shared/domain/artifacts.ts';
import {
  type Configuration,
  firstHead,
  type Head,
  nextHead,
  reopenedHead,
} from '../../../shared/domain/configuration.ts';
import { type Desired, desiredOf } from '../../../shared/domain/desired.ts';
import { enabledLines } from '../../../shared/domain/lists/chunks.ts';
import { canonicalSettings } from '../../../shared/domain/settings.ts';
import { advancedSettings } from '../../../shared/schemas/advanced.ts';
import type { ListName, ListReferences } from '../../../shared/schemas/lists.ts';
import { smtpSettings } from '../../../shared/schemas/smtp.ts';
import { listOf, objectsOf, sha } from '../scanner/lists-of.ts';
import type { Chance } from './chance.ts';

/** What is committed is put together of few parts, so that a later revision often equals an earlier one in some of them. */
const lists = [listOf(0), listOf(3), listOf(4, 100), listOf(25, 1000)];
const references = lists.map(({ root, manifest }) => ({
  root,
  entries: manifest.entries,
  enabled: manifest.enabled,
}));
const smtps = [false, true].flatMap((both) =>
  [25, 26, 27].map((port) => {
    const ipv4 = { address: '192.0.2.1', port };
    const settings = smtpSettings.parse({
      mailFiltering: both ? 'inbound-and-outbound' : 'inbound',
      inbound: { ipv4, accept: port === 25 ? 'all' : 'listed' },
      ...(both ? { outbound: { ipv4 }, authentication: { enabled: false } } : {}),
    });
    return canonicalSettings(settings);
  }),
);
const advanceds = [
  {},
  { delivery: { minRetryMinutes: 3 } },
  { delivery: { minRetryMinutes: 5 }, outbound: { defaultSenderDomain: 'a.example' } },
  { bindings: { domains: [{ domain: 'b.example', sources: ['auto' as const] }] } },
].map((some) => advancedSettings.parse(some));

const [none = { root: '', entries: 0, enabled: 0 }] = references;
const noLists: ListReferences = {
  inbound: none,
  outbound: none,
  authentication: none,
  'local-delivery': none,
  relay: none,
};

/** Texts of everything that has a hash. */
export const objects = new Map([
  ...objectsOf(...lists),
  ...advanceds
    .map((one) => domainBindingsText(one))
    .filter((text) => text !== null)
    .map((text): [string, string] => [sha(text), text]),
]);

/** What a Scanner lets in, by the root of the list. */
export const linesOf = new Map(
  lists.map(({ root, chunks }) => [root, chunks.map(({ text }) => enabledLines(text)).join('')]),
);

export const registered = (scannerId: string): Head => firstHead(scannerId, noLists, 'me', '2026-01-01');

export const registeredAgain = (head: Head, at: string): Head => reopenedHead(head, noLists, 'me', at);

/** A list whose number of entries is not that of its manifest: no Scanner can ever take it. */
const impossible = { ...none, entries: 99 };

const changes: ((configuration: Configuration, chance: Chance) => Partial<Configuration>)[] = [
  (_, chance) => ({ smtp: chance.pick(smtps) }),
  ({ lists: present }, chance) => ({ lists: { ...present, inbound: chance.pick(references) } }),
  ({ lists: present }, chance) => ({ lists: { ...present, outbound: chance.pick(references) } }),
  (_, chance) => ({ advanced: chance.pick(advanceds) }),
  (_, chance) => ({ smtp: chance.pick(smtps), advanced: chance.pick(advanceds) }),
];

/** Whether a Scanner can take it. */
export const isSound = ({ configuration }: Head): boolean =>
  configuration.lists['local-delivery'] !== impossible;

/** The next revision: settings, a list or the advanced settings have changed; seldom to something that cannot be applied, unless it must be sound. */
export const committed = (head: Head, chance: Chance, sound: boolean): Head => {
  const before = head.configuration;
  const after = {
    ...before,
    smtp: before.smtp ?? chance.pick(smtps),
    ...chance.pick(changes)(before, chance),
  };
  const spoilt = !sound && chance.fault(0.08) ? { ...after.lists, 'local-delivery': impossible } : null;
  const mended = spoilt ?? { ...after.lists, 'local-delivery': none };
  return nextHead(head, { ...after, lists: mended }, 'me', '2026-01-01');
};

/** A whole configuration as a Scanner runs it: the documents, and all that they name by a hash. */
export interface Whole {
  desired: Desired;
  lists: Record<string, string>;
  artifacts: Record<string, string>;
}

/** What is to run at a head, computed from the head alone. */
export const wholeOf = (head: Head): Whole | null => {
  const desired = desiredOf(head, sha);
  if (!desired) return null;
  const named = Object.entries(desired.smtp.lists) as [ListName, { root: string }][];
  return {
    desired,
    lists: Object.fromEntries(named.map(([name, { root }]) => [name, linesOf.get(root) ?? ''])),
    artifacts: Object.fromEntries(
      Object.entries(desired.smtp.artifacts ?? {}).map(([name, hash]) => [name, objects.get(hash) ?? '']),
    ),
  };
};
