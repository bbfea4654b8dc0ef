import { readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import { generatedDocs } from '../../scripts/generate-docs.ts';
import { problemsOf } from '../../shared/domain/validation.ts';
import { errors } from '../../shared/errors.ts';
import { documentCodes, type Operation, problemCodes } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';

const registry: readonly Operation[] = operations;
/** The schema of a body, also of one that may be left out. */
const bodyOf = ({ body }: Operation): z.ZodMiniType | undefined => {
  const inner = (body?._zod.def as { innerType?: z.ZodMiniType } | undefined)?.innerType;
  return body?._zod.def.type === 'optional' ? inner : body;
};
const camel = (id: string) => id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

describe('an operation', () => {
  it('is a file of its id, and every file is an operation', () => {
    const files = readdirSync('shared/operations').filter(
      (file) => !['define.ts', 'index.ts'].includes(file),
    );

    expect(registry.map((operation) => `${operation.id}.ts`).sort()).toEqual(files.sort());
  });

  it.each(
    registry.map((operation) => [operation.id, operation] as const),
  )('%s has its handler', (id, operation) => {
    const handler = readFileSync(`functions/api/${operation.resource}/${id}.ts`, 'utf8');
    const entry = readFileSync(`functions/api/${operation.resource}.lambda.ts`, 'utf8');

    expect(handler).toContain(`export const ${camel(id)} = httpStack(`);
    expect(handler).toContain(`shared/operations/${id}.ts`);
    expect(entry).toContain(`./${operation.resource}/${id}.ts`);
  });

  it.each(
    registry.map((operation) => [operation.id, operation] as const),
  )('%s refuses a key it does not know', (_, operation) => {
    // A merge patch is judged by what it makes of the document.
    const parts = [operation.params, operation.query, bodyOf(operation)].filter(
      (part) => part?._zod.def.type === 'object',
    ) as z.ZodMiniObject[];
    for (const part of parts) {
      const { error } = part.safeParse({ unheardOf: 1 });
      expect(error?.issues.map((issue) => issue.code)).toContain('unrecognized_keys');
    }
  });

  /** Path and query parameters that are numbers, by their names. */
  const numbers = registry.flatMap(({ id, params, query }) =>
    [params, query].flatMap((part) =>
      Object.entries((part?.shape ?? {}) as Record<string, z.ZodMiniType>)
        .filter(([, schema]) => typeof schema.safeParse('5').data === 'number')
        .map(([name, schema]) => [`${id} ${name}`, schema] as const),
    ),
  );

  it('takes numbers in its path and query', () => {
    expect(numbers.map(([name]) => name)).toEqual(
      expect.arrayContaining(['list-entries pageSize', 'get-revision revision', 'list-scanners limit']),
    );
  });

  it.each(numbers)('%s is of decimal digits alone', (_, schema) => {
    expect(schema.parse('17')).toBe(17);
    for (const loose of [
      '1e2',
      ' 5',
      '5 ',
      '0x10',
      '0b1',
      '5.0',
      '+5',
      '-5',
      '5_0',
      '',
      ' ',
      '٥',
      '5\n',
      'x',
      'Infinity',
    ]) {
      const { error } = schema.safeParse(loose);
      expect(problemsOf(error as z.core.$ZodError, loose), loose).toEqual([
        { pointer: '', code: 'TYPE_INVALID', message: expect.stringContaining('decimal digits') },
      ]);
    }
    for (const beyond of ['0', '9007199254740993', '9'.repeat(400)]) {
      const { error } = schema.safeParse(beyond);
      const codes = problemsOf(error as z.core.$ZodError, beyond).map(({ code }) => code);
      expect(new Set(codes), beyond).toEqual(new Set(['VALUE_INVALID']));
    }
  });

  it.each(
    registry.map((operation) => [operation.id, operation] as const),
  )('%s names each code once, and only codes that are', (_, operation) => {
    const codes = documentCodes(operation);

    const inside = problemCodes(operation);

    expect(new Set(codes).size).toBe(codes.length);
    expect(new Set(inside).size).toBe(inside.length);
    for (const code of [...codes, ...inside]) expect(errors).toHaveProperty(code);
  });

  it('tells in every answer to a dry run that it is one', () => {
    const dry = registry.filter(({ query }) => query?.shape['dryRun']);
    const untold = dry.flatMap(({ id, returns }) =>
      Object.values(returns).flatMap((schema) => ('dryRun' in (schema as z.ZodMiniObject).shape ? [] : [id])),
    );

    expect(dry.length).toBeGreaterThan(30);
    expect(untold).toEqual([]);
  });

  it('has a path parameter for each name in its path, and no other', () => {
    for (const { path, params } of registry) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(Object.keys(params?.shape ?? {}).sort()).toEqual(names.sort());
    }
  });
});

describe('what is generated', () => {
  it.each(Object.entries(generatedDocs()))('%s is as the code says (npm run gen)', (file, text) => {
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

const bundled = async (entry: string): Promise<string[]> => {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['node:*'],
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
};

describe('bundles stay apart', () => {
  it('the client holds no schema library', async () => {
    expect((await bundled('shared/client.ts')).filter((file) => file.includes('node_modules'))).toEqual([]);
  });

  it('the Scanner holds no AWS SDK', async () => {
    const files = await bundled('scanner/main.ts');

    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => /@aws-sdk|@smithy/.test(file))).toEqual([]);
  });
});

it('the machinery of the registry stays under 760 lines of code', () => {
  const files = [
    'shared/operations/define.ts',
    'shared/domain/validation.ts',
    'functions/lib/http.ts',
    'functions/lib/problem.ts',
    'shared/openapi.ts',
    'shared/client.ts',
    'shared/examples/define.ts',
    'shared/examples/problems.ts',
  ];
  const code = files
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line.trim() !== '' && !/^\s*(\/\*\*|\*|\/\/)/.test(line));

  expect(code.length).toBeLessThan(760);
});
