import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../local/command.ts';
import { declaredTemplate } from '../../../local/declared.ts';
import { readParameters } from '../../../local/parameters.ts';

const { Parameters: declared = {} } = await declaredTemplate();
const read = (...given: string[]) => readParameters(given, declared);

describe('parameters of the embedded stack', () => {
  it('are those that the template has, with values that it allows', () => {
    expect(read('ShadowRate=7', 'HistoryDays=0', 'Issuer=https://i.example.com/?a=b')).toEqual({
      ShadowRate: '7',
      HistoryDays: '0',
      Issuer: 'https://i.example.com/?a=b',
    });
    expect(read()).toEqual({});
  });

  it.each([
    ['one that there is not', 'Nope=1', /no parameter Nope\. There are .*ShadowRate/],
    ['one of another case', 'shadowrate=1', /no parameter shadowrate/],
    ['one that every object has', 'constructor=1', /no parameter constructor/],
    ['a word for a number', 'ShadowRate=abc', /ShadowRate does not take abc/],
    ['a number that is too large', 'ShadowRate=1000000', /ShadowRate/],
    ['a number and more', 'HistoryDays=1 day', /HistoryDays/],
    ['a line after the number', 'HistoryDays=1\n', /HistoryDays/],
    ['nothing where a number is', 'HistoryDays=', /HistoryDays/],
    ['a name alone', 'ShadowRate', /NAME=VALUE/],
  ])('are refused with %s', (_, given, message) => {
    expect(() => read(given)).toThrow(UsageError);
    expect(() => read(given)).toThrow(message);
  });

  it('are refused with all that is wrong of them', () => {
    expect(() => read('Nope=1', 'ShadowRate=abc')).toThrow(/Nope.*ShadowRate/s);
  });
});

describe('a stack that is called with parameters that cannot be', () => {
  const dir = mkdtempSync(join(tmpdir(), 'parameters-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('does not start, touches nothing and ends with 2', async () => {
    const args = ['local/main.ts', '--data', dir, '--port-base', '0', '--parameter', 'ShadowRate=abc'];
    const ended = await new Promise((resolve) => {
      execFile(process.execPath, args, { timeout: 25_000 }, (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });

    expect(ended).toEqual({ code: 2, stderr: expect.stringContaining('ShadowRate') });
    expect(readdirSync(dir)).toEqual([]);
  });
});
