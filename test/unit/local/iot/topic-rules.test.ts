import { describe, expect, it } from 'vitest';
import { parseRuleSql } from '../../../../local/iot/rule-sql.ts';
import { topicRules } from '../../../../local/iot/topic-rules.ts';

const at = new Date('2026-01-02T03:04:05.678Z');

/** Events that one rule makes of one message. */
const run = (sql: string, message: { topic?: string; payload: string; clientId?: string }) => {
  const events: unknown[] = [];
  const model = { name: 'rule', sql, functionArns: ['arn:f'] };
  const rules = topicRules(
    [model],
    (_, event) => events.push(event),
    () => at,
  );
  rules.route({ topic: 'a/b/c', ...message, payload: Buffer.from(message.payload) });
  return events;
};

describe('SELECT', () => {
  it.each([
    ['SELECT *', '{"a":1,"b":{"c":2}}', { a: 1, b: { c: 2 } }],
    ['select a, b.c', '{"a":1,"b":{"c":2},"d":3}', { a: 1, c: 2 }],
    ['SELECT b.c AS x, b AS y', '{"b":{"c":2}}', { x: 2, y: { c: 2 } }],
    ['SELECT a, missing, b.missing.more AS m', '{"a":1,"b":2}', { a: 1 }],
    ['SELECT *, topic(2) AS a', '{"a":1}', { a: 'b' }],
    [
      "SELECT topic() AS t, topic(9) AS none, 'it''s' AS s, -1.5 AS n, true AS y, null AS z",
      '{}',
      {
        t: 'a/b/c',
        s: "it's",
        n: -1.5,
        y: true,
        z: null,
      },
    ],
    ['SELECT timestamp() AS ts, clientid() AS id', '{}', { ts: at.getTime(), id: 'n/a' }],
    ['SELECT isUndefined(a) AS no, isUndefined(b.c) AS yes', '{"a":null}', { no: false, yes: true }],
    ['SELECT toString', '{}', {}],
    ['SELECT a = 1 AND NOT b = 1 AS both', '{"a":1,"b":2}', { both: true }],
  ])('%s', (select, payload, event) => {
    expect(run(`${select} FROM 'a/+/c'`, { payload })).toEqual([event]);
  });

  it('clientid() is the MQTT client', () => {
    expect(run("SELECT clientid() AS id FROM '#'", { payload: '', clientId: 'mx1' })).toEqual([
      { id: 'mx1' },
    ]);
  });

  it.each(['not json', '[1]', '7', ''])('* of the payload %j makes no event', (payload) => {
    expect(run("SELECT * FROM 'a/b/c'", { payload })).toEqual([]);
  });
});

describe('WHERE', () => {
  it.each([
    ['a = 1', true],
    ['a <> 1', false],
    ['a = 1.0', true],
    ["a = '1'", false],
    ['missing = 1', false],
    ['missing <> 1', false],
    ['NOT missing = 1', false],
    ['isUndefined(missing)', true],
    ['NOT isUndefined(b.c)', true],
    ['a = 2 OR b.c = 2', true],
    ['missing = 1 OR a = 1', true],
    ['missing = 1 AND a = 1', false],
    ['a = 1 AND a = 2 OR b.c = 2', true],
    ['a = 1 AND (a = 2 OR b.c = 3)', false],
    ["topic(1) = 'a'", true],
    ['b <> b', false],
    ['a', false],
  ])('%s is %s', (where, passes) => {
    expect(run(`SELECT a FROM 'a/b/c' WHERE ${where}`, { payload: '{"a":1,"b":{"c":2}}' })).toHaveLength(
      passes ? 1 : 0,
    );
  });
});

describe('FROM', () => {
  it.each([
    ['a/b/c', true],
    ['a/+/c', true],
    ['a/#', true],
    ['a/b/c/#', true],
    ['#', true],
    ['+/b', false],
    ['A/b/c', false],
    ['a/b', false],
    ['a/b/c/d', false],
  ])('%s matching a/b/c is %s', (filter, matches) => {
    expect(run(`SELECT 1 AS n FROM '${filter}'`, { payload: '{}' })).toHaveLength(matches ? 1 : 0);
  });

  it('a wildcard in the first level does not match topics of the service', () => {
    const message = { topic: '$aws/things/mx1/shadow/update/accepted', payload: '{}' };
    expect(run("SELECT * FROM '#'", message)).toEqual([]);
    expect(run("SELECT * FROM '+/things/#'", message)).toEqual([]);
    expect(run("SELECT * FROM '$aws/things/+/shadow/#'", message)).toEqual([{}]);
  });
});

describe('SQL outside the subset', () => {
  it.each([
    "SELECT * FROM 'a' WHERE a > 1",
    "SELECT * FROM 'a' WHERE a LIKE 'b'",
    "SELECT get_thing_shadow(a) AS s FROM 'a'",
    "SELECT constructor() AS s FROM 'a'",
    "SELECT topic(3) FROM 'a'",
    "SELECT topic(0) AS t FROM 'a'",
    "SELECT 'x' FROM 'a'",
    "SELECT a AS FROM 'a'",
    "SELECT a + 1 AS b FROM 'a'",
    "SELECT a[0] AS b FROM 'a'",
    "SELECT VALUE a FROM 'a'",
    'SELECT * FROM a',
    "SELECT * FROM 'a/b#'",
    "SELECT * FROM 'a/#/b'",
    "SELECT * FROM ''",
    "SELECT * FROM 'a' WHERE",
    "SELECT * FROM 'a' WHERE (a = 1",
    "SELECT * FROM 'a' extra",
    "SELECT FROM 'a'",
    "SELECT a, FROM 'a'",
    "FROM 'a'",
    '',
    "SELECT * FROM 'a",
  ])('%s is refused', (sql) => {
    expect(() => parseRuleSql(sql)).toThrow(SyntaxError);
  });

  it('fails the start and names the rule', () => {
    const model = { name: 'broken', sql: "SELECT * FROM 'a' WHERE a > 1", functionArns: [] };
    expect(() =>
      topicRules(
        [model],
        () => {},
        () => at,
      ),
    ).toThrow(/broken/);
  });
});
