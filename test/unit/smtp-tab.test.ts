import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import type { Operation } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';

const registry = new Map<string, Operation>(operations.map((operation) => [operation.id, operation]));
const rows = readFileSync('docs/smtp-tab.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| row |'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, row = '', how = '']) => ({ row, how }));

/** `operation` and its `/fields`, as often as a cell names them. */
const named = (how: string) =>
  how.split('·').map((part) => {
    const [id = '', ...fields] = [...part.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    return { id, fields };
  });

type Schema = z.ZodMiniType & {
  shape?: Record<string, z.ZodMiniType>;
  def: { innerType?: z.ZodMiniType; options?: z.ZodMiniType[] };
};

const member = (schema: z.ZodMiniType | undefined, path: string[]): z.ZodMiniType | undefined => {
  const { shape, def } = (schema ?? { def: {} }) as Schema;
  if (def.innerType) return member(def.innerType, path);
  if (def.options && path.length > 0)
    return def.options.map((option) => member(option, path)).find((found) => found !== undefined);
  const [name, ...rest] = path;
  return name === undefined ? schema : member(shape?.[name], rest);
};

const fieldOf = (operation: Operation, pointer: string): z.ZodMiniType | undefined => {
  const [, part, ...path] = pointer.split('/');
  const parts: Record<string, z.ZodMiniType | undefined> = {
    body: operation.body,
    query: operation.query,
    path: operation.params,
    answer: Object.values(operation.returns)[0],
  };
  return member(parts[part ?? ''], path);
};

describe('the page of the SMTP tab', () => {
  it('has every row of the tab, its controls among them', () => {
    expect(rows).toHaveLength(82);
  });

  it.each(
    rows.map(({ row, how }, index) => [index + 1, row, how] as const),
  )('row %i, %s, names what is there', (_, __, how) => {
    for (const { id, fields } of named(how)) {
      const operation = registry.get(id);
      expect(operation, `operation ${id}`).toBeDefined();
      for (const field of fields)
        expect(operation && fieldOf(operation, field), `${id} ${field}`).toHaveProperty('_zod');
    }
  });

  it('finds no field that is not there', () => {
    const put = registry.get('put-smtp') as Operation;
    expect(fieldOf(put, '/body/inbound/colour')).toBeUndefined();
    expect(fieldOf(put, '/somewhere/mailFiltering')).toBeUndefined();
  });
});
