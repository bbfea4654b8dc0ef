import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePolicies, type Grant } from '../../local/iam/policy.ts';
import type { RecordedLine } from '../../local/iam/recorder.ts';
import type { FunctionModel } from '../../local/model.ts';

/** One thing that a role allows: an action of a statement on one of its resources, with one row of the table where it names rows. */
export interface DeclaredGrant extends Grant {
  entry: string;
  row?: string;
}

type Used = Extract<RecordedLine, { kind: 'used' }>;
export type Refused = Extract<RecordedLine, { kind: 'refused' }>;

/** Everything that the roles of functions allow. */
export const declaredGrants = (functions: readonly FunctionModel[]): DeclaredGrant[] =>
  functions.flatMap(({ entry, role }) =>
    compilePolicies(role?.policies ?? []).grants.flatMap(({ conditions, ...grant }) => {
      const rows = conditions.filter(
        ({ key, operator }) => key === 'dynamodb:LeadingKeys' && operator !== 'Null',
      );
      const values = rows.flatMap((one) => one.values);
      return values.length === 0 ? [{ entry, ...grant }] : values.map((row) => ({ entry, ...grant, row }));
    }),
  );

const isUse = (line: Used, grant: DeclaredGrant): boolean =>
  line.entry === grant.entry &&
  line.action === grant.action &&
  line.resource === grant.resource &&
  line.condition === grant.condition &&
  (grant.row === undefined || line.values.includes(grant.row));

/** What is allowed and was never done. */
export const unused = (grants: readonly DeclaredGrant[], lines: readonly RecordedLine[]): DeclaredGrant[] => {
  const used = lines.filter((line) => line.kind === 'used');
  return grants.filter((grant) => !used.some((line) => isUse(line, grant)));
};

/** What no run of the tests can show to be needed, by name, and why it is granted. */
export interface GrantException {
  /** `logs:` and the like stand for all actions of a service. */
  actions: readonly string[];
  /** Ends of entries' names without `.lambda.ts`; absent: of every function. */
  functions?: readonly string[];
  row?: string;
  /** What the resource ends with. */
  resource?: string;
  reason: string;
}

export const isExcepted = (grant: DeclaredGrant, exceptions: readonly GrantException[]): boolean =>
  exceptions.some(
    ({ actions, functions, row, resource = '' }) =>
      actions.some((action) =>
        action.endsWith(':') ? grant.action.startsWith(action) : grant.action === action,
      ) &&
      (!functions || functions.some((name) => grant.entry.endsWith(`/${name}.lambda.ts`))) &&
      (row === undefined || row === grant.row) &&
      grant.resource.endsWith(resource),
  );

/** A grant in one line, for a table of them. */
export const described = ({ entry, action, resource, row, condition }: DeclaredGrant): string =>
  [
    entry.replace(/^functions\/|\.lambda\.ts$/g, '').padEnd(28),
    action.padEnd(30),
    resource.replace(/^arn:aws:\w+:[\w-]*:\d*:?/, '').padEnd(40),
    `${row ?? ''}${condition.includes('TransactWriteItems') ? ' (in a transaction)' : ''}`,
  ]
    .join(' ')
    .trimEnd();

/** All that the stacks of this run have recorded in a folder. */
export const recordedLines = (dir: string): RecordedLine[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedLine);

const marks = (dir: string): string => join(dir, 'ran');

/** Notes that a file of tests has run. */
export const noteRun = (dir: string, file: string): void => {
  mkdirSync(marks(dir), { recursive: true });
  writeFileSync(join(marks(dir), file.replaceAll('/', '+')), '');
};

/** Files of tests that start stacks and have not run. */
export const notRun = (dir: string): string[] => {
  const ran = existsSync(marks(dir)) ? readdirSync(marks(dir)) : [];
  return globSync('test/{stack,journey}/**/*.test.ts').filter(
    (file) => !ran.includes(file.replaceAll('/', '+')),
  );
};
