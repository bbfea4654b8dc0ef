import { keys, table } from '../shared/tables.ts';

/**
 * Rows of the table by whom they belong to, as patterns of their partition keys; and lists of the index likewise. A policy names them as what
 * leading keys may be (DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control").
 */
export const rows = {
  scanner: keys.ofScanner('*'),
  import: keys.ofImport('*'),
  drop: keys.ofDrop('*'),
  artifact: keys.ofArtifact('*'),
  certificateName: keys.ofCertificateName('*'),
  answer: keys.ofAnswer('*'),
  derived: keys.ofDerived('*', '*'),
  sweep: keys.ofSweep,
  rollout: keys.ofRollout('*'),
  pace: keys.ofPace('*'),
} as const;

export const lists = {
  scanners: keys.listedScanners,
  due: keys.listedDue,
  standings: keys.listedStandings,
  decommissioned: keys.listedDecommissioned,
  certificates: keys.listedCertificates,
  rollouts: keys.listedRollouts,
  openRollouts: keys.listedOpenRollouts,
  objects: keys.listedObjects,
  imports: keys.listedImports('*'),
  audit: keys.listedAudit('*'),
} as const;

/** What a function does with the table, and with which rows. */
export interface TableUses {
  get?: readonly string[];
  batchGet?: readonly string[];
  /** Of one partition. */
  query?: readonly string[];
  /** Of one partition of the index. */
  list?: readonly string[];
  /** All of the table. */
  scan?: true;
  /** Writes that stand alone. What may be written so may be written in a transaction, too. */
  put?: readonly string[];
  update?: readonly string[];
  delete?: readonly string[];
  /** Writes and checks that are made in transactions only. */
  commit?: {
    put?: readonly string[];
    update?: readonly string[];
    delete?: readonly string[];
    check?: readonly string[];
  };
}

/** One statement: its action, whether it is of the index, its conditions. */
export interface TableGrant {
  action: string;
  index: boolean;
  conditions?: Record<string, Record<string, unknown>>;
}

/**
 * `ForAllValues` holds where a request has no such key at all, as a scan has none: `Null` refuses that (IAM user guide, "Set operators for
 * multivalued context keys").
 */
const onRows = (patterns: readonly string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...patterns].sort() },
  Null: { 'dynamodb:LeadingKeys': 'false' },
});

/** Only as part of a transaction (DynamoDB developer guide, "Using IAM with DynamoDB transactions"). */
const inTransaction = {
  'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] },
};

const granted = (
  action: string,
  patterns: readonly string[] | undefined,
  { index = false, more = {} }: { index?: boolean; more?: object } = {},
): TableGrant[] =>
  patterns && patterns.length > 0
    ? [{ action: `dynamodb:${action}`, index, conditions: { ...onRows(patterns), ...more } }]
    : [];

/** A write in transactions, of rows that may not be written alone anyway. */
const committed = (
  action: string,
  patterns: readonly string[] | undefined,
  alone: readonly string[] = [],
): TableGrant[] =>
  granted(
    action,
    patterns?.filter((pattern) => !alone.includes(pattern)),
    { more: inTransaction },
  );

/** The statements that uses of the table take; a check is part of a transaction always. */
export const tableGrants = (uses: TableUses): TableGrant[] => {
  const { commit = {} } = uses;
  return [
    ...granted('GetItem', uses.get),
    ...granted('BatchGetItem', uses.batchGet),
    ...granted('Query', uses.query),
    ...granted('Query', uses.list, { index: true }),
    ...(uses.scan ? [{ action: 'dynamodb:Scan', index: false }] : []),
    ...granted('PutItem', uses.put),
    ...granted('UpdateItem', uses.update),
    ...granted('DeleteItem', uses.delete),
    ...committed('PutItem', commit.put, uses.put),
    ...committed('UpdateItem', commit.update, uses.update),
    ...committed('DeleteItem', commit.delete, uses.delete),
    ...granted('ConditionCheckItem', commit.check),
  ];
};

export const indexName = table.index.name;
