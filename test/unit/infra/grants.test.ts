import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { compilePolicies } from '../../../local/iam/policy.ts';
import { readTemplate } from '../../../local/template.ts';
import { controlPlaneApp } from './app.ts';

const { stack } = controlPlaneApp();
const template = Template.fromStack(stack);
const model = readTemplate(template.toJSON() as never, {
  region: 'eu-west-1',
  accountId: '000000000000',
  parameters: { Issuer: 'https://i', Audience: 'a' },
  name: 'n',
});
const all = model.functions.flatMap(({ entry, role }) =>
  compilePolicies(role?.policies ?? []).grants.map((grant) => ({ entry, ...grant })),
);
const table = model.table.arn;

describe('the role of every function', () => {
  it('allows no action by a wildcard', () => {
    expect(all.filter(({ action }) => /[*?]/.test(action))).toEqual([]);
  });

  it('allows on every resource only what knows no resource', () => {
    const anywhere = new Set(all.filter(({ resource }) => resource === '*').map(({ action }) => action));
    expect([...anywhere].sort()).toEqual([
      'iot:CreateCertificateFromCsr',
      'iot:DescribeEndpoint',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  it('is its own, and no policy is of two', () => {
    const arns = model.functions.map(({ role }) => role?.arn);
    expect(new Set(arns).size).toBe(model.functions.length);
    for (const policy of Object.values(template.findResources('AWS::IAM::Policy')))
      expect((policy as { Properties: { Roles: unknown[] } }).Properties.Roles).toHaveLength(1);
  });

  it('allows with the table only what names the rows, but for the one scan', () => {
    const ofTable = all.filter(
      ({ resource }) => resource === table || resource.startsWith(`${table}/index/`),
    );
    const unnamed = ofTable.filter(({ condition }) => !condition.includes('dynamodb:LeadingKeys'));
    expect(unnamed.map(({ entry, action }) => `${entry} ${action}`)).toEqual([
      'functions/workers/sweep.lambda.ts dynamodb:Scan',
    ]);
    // ForAllValues holds where the key is absent, so absence is refused beside it.
    for (const { condition } of ofTable.filter((grant) => !unnamed.includes(grant)))
      expect(JSON.parse(condition)).toMatchObject({ Null: { 'dynamodb:LeadingKeys': 'false' } });
  });

  it('lets the API put and delete rows of Scanners in transactions only, and change them alone only where that is named here', () => {
    const alone = all.filter(
      ({ entry, action, condition }) =>
        entry.startsWith('functions/api/') &&
        /^dynamodb:(Put|Update|Delete)Item$/.test(action) &&
        !condition.includes('TransactWriteItems'),
    );
    const rows = alone.flatMap(({ entry, action, conditions }) =>
      conditions
        .filter(({ operator }) => operator.startsWith('ForAllValues'))
        .flatMap(({ values }) => values.map((row) => `${entry.slice(14, -10)} ${action.slice(9)} ${row}`)),
    );
    // When a Scanner is looked at again, or is to be cleared away again; a text that no record names yet; what is wanted of a list; a lease.
    expect(rows.sort()).toEqual([
      'credentials PutItem artifact#*',
      'lists PutItem derived#*#*',
      'rollouts UpdateItem rollout#*',
      'scanners UpdateItem scanner#*',
    ]);
  });

  it('is shorter than the 10,240 characters that inline policies of a role may have', () => {
    for (const { role } of model.functions)
      expect(JSON.stringify(role?.policies).length).toBeLessThan(10_240);
  });
});
