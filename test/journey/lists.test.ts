import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepingHistory, type StackProcess, startStackProcess } from '../helpers/stack.ts';
import { drop, importEnded, inboundSettings, register, sample, save, walk } from './support.ts';

const folder = join('..', 'shared', 'data');
const files = existsSync(folder)
  ? readdirSync(folder).filter((name) => existsSync(join(folder, `${name}.expected`)))
  : [];
if (files.length === 0) console.log(`skipped: the folder of real lists is not beside this checkout`);

let stack: StackProcess;

beforeAll(async () => {
  stack = await startStackProcess(keepingHistory);
});

afterAll(async () => {
  await stack?.stop();
});

/** Imports a file for a new Scanner through the drop zone and walks the list that came of it. */
const imported = async (
  scannerId: string,
  body: Uint8Array,
): Promise<{ values: string[]; state: string }> => {
  await register(stack, scannerId);
  await save(stack, scannerId, inboundSettings());
  await drop(stack, `${scannerId}/inbound/list`, body, { 'on-invalid': 'skip', activate: 'true' });
  const job = await importEnded(stack, scannerId);
  return { state: job.state, values: await walk(stack, scannerId, 'inbound') };
};

const lines = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];

/** Of the tokens that the rules decide about: underscores and UTS 46 names come in, single labels do not. */
const acceptedByRule = (file: string): string[] =>
  lines(`${file}.policy`)
    .map((line) => line.split('\t') as [string, string, string])
    .filter(([reason]) => reason === 'underscore' || reason === 'xn-label-not-idna2008')
    .map(([, , value]) => value);

describe('a list comes out of the embedded stack as an independent implementation says', () => {
  it('the sample that the repository holds', async () => {
    const { state, values } = await imported('sample', sample.text);

    expect(state).toBe('completed');
    expect(`${values.join('\n')}\n`).toBe(sample.expected);
  });

  it.each(files)('%s', async (name) => {
    const file = join(folder, name);
    const expected = new Set([...lines(`${file}.expected`), ...acceptedByRule(file)]);

    const { state, values } = await imported(`list-${files.indexOf(name)}`, readFileSync(file));

    expect(state).toBe('completed');
    expect(values.filter((value) => !expected.has(value))).toEqual([]);
    expect(values).toHaveLength(expected.size);
    if (!existsSync(`${file}.policy`)) expect(values).toEqual(lines(`${file}.expected`));
  });
});
