import type { InventoryReported } from '../messages/shadow.ts';
import type { Condition } from '../schemas/sync.ts';
import { type SyncFacts, syncOf } from './sync.ts';

/** What a Scanner in service is, in one word: the first that holds, from the left. */
export const standingStates = ['disabled', 'not-configured', 'in-sync', 'failed', 'pending'] as const;

/** What any Scanner is. */
export const scannerStates = ['decommissioned', ...standingStates] as const;
export type StateOfScanner = (typeof scannerStates)[number];

/**
 * A Scanner in a few words: what lists filter by and sums of the fleet count. Computed from the facts by whoever stored one of them, so it
 * is as true as they are, a moment later.
 */
export interface Standing {
  scannerId: string;
  enabled: boolean;
  labels: Record<string, string>;
  connected: boolean;
  state: StateOfScanner;
  conditions: Record<Condition['type'], Condition['status']>;
  desiredRevision: number;
  publishedRevision: number | null;
  appliedRevision: number | null;
  software: InventoryReported['software'] | null;
}

export interface StandingFacts extends SyncFacts {
  scanner: SyncFacts['scanner'] & { scannerId: string; labels: Record<string, string> };
  inventory?: Pick<InventoryReported, 'software'>;
}

const failing = new Set([
  'Failed',
  'Rejected',
  'RootsDiffer',
  'SettingsDiffer',
  'PublishFailing',
  'ReportUnreadable',
  'UnknownRevision',
  'HeadDamaged',
]);

const stateOf = ({ head, scanner }: StandingFacts, inSync: Condition | undefined): StateOfScanner => {
  if (scanner.decommissionedAt !== undefined) return 'decommissioned';
  if (!scanner.enabled) return 'disabled';
  if (!head.configuration.smtp && head.damage === undefined) return 'not-configured';
  if (inSync?.status === 'True') return 'in-sync';
  return failing.has(inSync?.reason ?? '') ? 'failed' : 'pending';
};

/** The standing of a Scanner, of which these facts are known. */
export const standingOf = (facts: StandingFacts): Standing => {
  const { desiredRevision, publishedRevision, appliedRevision, connected, conditions } = syncOf(facts);
  const { scannerId, enabled, labels } = facts.scanner;
  return {
    scannerId,
    enabled,
    labels,
    connected,
    state: stateOf(
      facts,
      conditions.find(({ type }) => type === 'InSync'),
    ),
    conditions: Object.fromEntries(
      conditions.map(({ type, status }) => [type, status]),
    ) as Standing['conditions'],
    desiredRevision,
    publishedRevision,
    appliedRevision,
    software: facts.inventory?.software ?? null,
  };
};

/** Name and value of a label; without a value, any value. */
export type AskedLabel = readonly [name: string, value: string | undefined];

/** What a list of Scanners may ask for; all that is given must hold. */
export interface StandingFilter {
  enabled?: boolean | undefined;
  connected?: boolean | undefined;
  inSync?: boolean | undefined;
  state?: StateOfScanner | undefined;
  labels?: readonly AskedLabel[] | undefined;
}

/** True when a Scanner has all labels that are asked for. */
export const hasLabels = (labels: Record<string, string>, asked: readonly AskedLabel[]): boolean =>
  asked.every(
    ([name, value]) => Object.hasOwn(labels, name) && (value === undefined || labels[name] === value),
  );

/** Whether a Scanner of this standing is asked for. */
export const isAskedFor = (standing: Standing, filter: StandingFilter): boolean => {
  const { enabled, connected, inSync, state, labels = [] } = filter;
  return (
    (enabled ?? standing.enabled) === standing.enabled &&
    (connected ?? standing.connected) === standing.connected &&
    (inSync === undefined || inSync === (standing.conditions.InSync === 'True')) &&
    (state ?? standing.state) === standing.state &&
    hasLabels(standing.labels, labels)
  );
};
