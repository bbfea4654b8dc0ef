import { describe, expect, it } from 'vitest';
import { bindPolicies, compilePolicy, type PolicyContext } from '../../../../local/iot/policy.ts';
import type { PolicyDocument } from '../../../../local/model.ts';

type Statement = PolicyDocument['Statement'][number];

const decide = (
  statements: Statement[],
  action: string,
  resource: string,
  context: Partial<PolicyContext> = {},
) =>
  bindPolicies([compilePolicy({ Version: '2012-10-17', Statement: statements })], {
    clientId: 'mx1',
    ...context,
  })(action, resource);

const allow = (Action: string | string[], Resource: string | string[]): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
});
const own = `\${iot:Connection.Thing.ThingName}`;
const thing = { name: 'mx1', attributes: { site: 'lyon', odd: '*' } };

describe('a policy', () => {
  it.each([
    ['iot:Publish', 'topic/a', 'iot:Publish', 'topic/a', true],
    ['iot:Publish', 'topic/a', 'iot:Receive', 'topic/a', false],
    ['iot:Publish', 'topic/a', 'iot:Publish', 'topic/ab', false],
    ['iot:Publish', 'topic/a', 'iot:Publish', 'xtopic/a', false],
    ['iot:publish', 'topic/a', 'iot:Publish', 'topic/a', true],
    ['iot:*', 'topic/*', 'iot:Receive', 'topic/a/b/c', true],
    ['iot:Pub*', 'topic/a?c', 'iot:Publish', 'topic/abc', true],
    ['iot:Publish', 'topic/a?c', 'iot:Publish', 'topic/ac', false],
    ['iot:Subscribe', 'topicfilter/a/+', 'iot:Subscribe', 'topicfilter/a/+', true],
    ['iot:Subscribe', 'topicfilter/a/+', 'iot:Subscribe', 'topicfilter/a/b', false],
    ['iot:Subscribe', 'topicfilter/a.b', 'iot:Subscribe', 'topicfilter/a+b', false],
    ['iot:Publish', 'topic/$aws/x', 'iot:Publish', 'topic/$aws/x', true],
    ['iot:Publish', `topic/\${*}`, 'iot:Publish', 'topic/a', false],
    ['iot:Publish', `topic/\${*}`, 'iot:Publish', 'topic/*', true],
  ])('that allows %s on %s decides %s on %s: %s', (action, pattern, asked, resource, decision) => {
    expect(decide([allow(action, pattern)], asked, resource)).toBe(decision);
  });

  it('refuses what nothing allows', () => {
    expect(decide([], 'iot:Connect', 'client/mx1')).toBe(false);
  });

  it('refuses what one statement denies, whatever others allow', () => {
    const deny: Statement = { Effect: 'Deny', Action: '*', Resource: 'topic/secret*' };
    expect(decide([deny, allow('*', '*')], 'iot:Publish', 'topic/secret/1')).toBe(false);
    expect(decide([deny, allow('*', '*')], 'iot:Publish', 'topic/open')).toBe(true);
  });
});

describe('a policy variable', () => {
  it('is the thing of the connection', () => {
    expect(decide([allow('iot:Connect', `client/${own}`)], 'iot:Connect', 'client/mx1', { thing })).toBe(
      true,
    );
    expect(decide([allow('iot:Connect', `client/${own}`)], 'iot:Connect', 'client/mx2', { thing })).toBe(
      false,
    );
  });

  it('without a thing matches nothing, not even the empty name', () => {
    const statements = [allow('iot:Publish', `topic/${own}*`)];
    expect(decide(statements, 'iot:Publish', 'topic/mx1')).toBe(false);
    expect(decide(statements, 'iot:Publish', 'topic/')).toBe(false);
  });

  it('without a value lets a Deny match nothing', () => {
    const deny: Statement = { Effect: 'Deny', Action: '*', Resource: `topic/${own}` };
    expect(decide([deny, allow('*', '*')], 'iot:Publish', 'topic/mx1')).toBe(true);
  });

  it('that holds a wildcard is taken as it stands', () => {
    const statements = [allow('iot:Publish', `topic/\${iot:Connection.Thing.Attributes[odd]}`)];
    expect(decide(statements, 'iot:Publish', 'topic/anything', { thing })).toBe(false);
    expect(decide(statements, 'iot:Publish', 'topic/*', { thing })).toBe(true);
    expect(
      decide([allow('*', `client/\${iot:ClientId}`)], 'iot:Connect', 'client/a', { clientId: '*' }),
    ).toBe(false);
  });

  it('may be an attribute, and an attribute that is not there matches nothing', () => {
    const on = (name: string) => [
      allow('iot:Publish', `topic/\${iot:Connection.Thing.Attributes[${name}]}*`),
    ];
    expect(decide(on('site'), 'iot:Publish', 'topic/lyon/1', { thing })).toBe(true);
    expect(decide(on('constructor'), 'iot:Publish', 'topic/lyon/1', { thing })).toBe(false);
  });
});

describe('a condition', () => {
  const attached: Statement = {
    ...allow('iot:Connect', '*'),
    Condition: { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } },
  };

  it('on IsAttached holds with a thing and not without', () => {
    expect(decide([attached], 'iot:Connect', 'client/mx1', { thing })).toBe(true);
    expect(decide([attached], 'iot:Connect', 'client/mx1')).toBe(false);
  });
});

describe('a document that the broker cannot decide', () => {
  it.each([
    [{ ...allow('*', '*'), Condition: { StringEquals: { 'aws:SourceIp': '10.0.0.1' } } }],
    [{ ...allow('*', '*'), Condition: {} }],
    [allow('*', `topic/\${iot:Certificate.Subject.CommonName}`)],
    [allow('*', `topic/\${aws:UserName}`)],
    [allow('*', `topic/\${constructor}`)],
  ])('%j is refused', (statement) => {
    expect(() => compilePolicy({ Version: '2012-10-17', Statement: [statement] })).toThrow(/embedded stack/);
  });
});
