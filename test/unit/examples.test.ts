import { globSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { judgeHost } from '../../shared/domain/hosts.ts';
import { parseEntry } from '../../shared/domain/lists/entry.ts';
import { type ErrorCode, errors } from '../../shared/errors.ts';
import type { Example } from '../../shared/examples/define.ts';
import { errorExamples } from '../../shared/examples/errors.ts';
import { examples } from '../../shared/examples/index.ts';
import { codeExamples } from '../../shared/examples/problems.ts';
import { artifactsRejected } from '../../shared/messages/artifacts.ts';
import { documentCodes, type Operation, problemCodes } from '../../shared/operations/define.ts';
import { operations } from '../../shared/operations/index.ts';
import { time, warning } from '../../shared/schemas/common.ts';
import { finding, importJob, importProblem, matchAnswer } from '../../shared/schemas/lists.ts';
import { problemDocument } from '../../shared/schemas/problem.ts';

const registry: readonly Operation[] = operations;
const byId: Readonly<Record<string, Example | undefined>> = examples;
const named = registry.map((operation) => [operation.id, operation] as const);

const exampleOf = ({ id }: Operation): Example => {
  const example = byId[id];
  if (!example) throw new Error(`shared/examples/ has no example of ${id}.`);
  return example;
};

const namesOf = (part: z.ZodMiniObject | undefined) => Object.keys(part?.shape ?? {}).sort();

describe('the example of', () => {
  it.each(named)('%s has all of its parameters, and passes the schemas that validate', (_, operation) => {
    const { params, query, body } = exampleOf(operation);

    expect(Object.keys(params ?? {}).sort()).toEqual(namesOf(operation.params));
    expect(Object.keys(query ?? {}).sort()).toEqual(namesOf(operation.query));
    expect(operation.params?.safeParse(params).error).toBeUndefined();
    expect(operation.query?.safeParse(query).error).toBeUndefined();
    expect(operation.body?.safeParse(body).error).toBeUndefined();
    expect(body === undefined).toBe(operation.body === undefined);
  });

  it.each(
    named,
  )('%s answers every status of success as its schema says, and nothing else', (_, operation) => {
    const { returns } = exampleOf(operation);

    expect(Object.keys(returns)).toEqual(Object.keys(operation.returns));
    for (const [status, schema] of Object.entries(operation.returns)) {
      const parsed = schema.safeParse(returns[status]);
      expect(parsed.error).toBeUndefined();
      expect(parsed.data).toEqual(returns[status]);
    }
  });

  it('no operation is there that is none', () => {
    const ids = registry.map((operation) => operation.id);

    expect(Object.keys(examples).filter((id) => !ids.includes(id))).toEqual([]);
  });
});

describe('an error code', () => {
  const inDocuments = new Set(registry.flatMap(documentCodes));
  const inErrors = new Set(registry.flatMap(problemCodes));

  it.each(named)('of %s has an example where the operation says that it may stand', (_, operation) => {
    const without = (place: 'document' | 'problem', codes: ErrorCode[]) =>
      codes.filter((code) => errorExamples[code][place] === undefined);

    expect(without('document', documentCodes(operation))).toEqual([]);
    expect(without('problem', problemCodes(operation))).toEqual([]);
  });

  it.each(Object.keys(errors) as ErrorCode[])('%s has an example, and only where it may stand', (code) => {
    expect(Object.keys(errorExamples[code] ?? {})).not.toEqual([]);
    expect(errorExamples[code].document !== undefined).toBe(inDocuments.has(code));
    expect(errorExamples[code].problem !== undefined).toBe(inErrors.has(code));
  });

  const schemas: Record<string, z.ZodMiniType> = {
    problem: problemDocument,
    errors: problemDocument,
    warnings: warning,
    imports: z.object({
      importId: z.string(),
      state: z.literal('failed'),
      error: importJob.shape.error,
      finishedAt: time,
    }),
    'import-problems': importProblem,
    reasons: matchAnswer.shape.desired,
    findings: finding,
    artifacts: artifactsRejected,
  };

  it.each(Object.entries(codeExamples()))('as %s passes the schema of its place', (name, { value }) => {
    const [place = ''] = name.split('.');

    expect(schemas[place]?.safeParse(value).error).toBeUndefined();
  });

  const entries = Object.entries(errorExamples).flatMap(([code, { problem, value }]) =>
    problem?.pointer === '/entries/0/value' && value && code !== 'TOKEN_TOO_LONG'
      ? [{ code, token: value.token, problem }]
      : [],
  );

  it.each(entries)('$code is what its value is refused with', ({ code, token, problem }) => {
    const { pointer: _, ...said } = problem;

    expect(parseEntry(token)).toEqual({ ok: false, code, ...said });
  });

  it('HOST_INVALID is what its host is refused with', () => {
    const given = { host: 'mail server', port: 25, mxLookup: false, preference: 10 };

    expect(judgeHost(given).problems).toEqual([
      { code: 'HOST_INVALID', ...errorExamples.HOST_INVALID.problem },
    ]);
  });
});

it('examples are in no bundle', async () => {
  const { metafile } = await build({
    entryPoints: [...globSync('functions/{api,workers}/*.lambda.ts'), 'scanner/main.ts', 'shared/client.ts'],
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    platform: 'node',
    format: 'esm',
    external: ['node:*'],
    logLevel: 'silent',
  });

  expect(Object.keys(metafile.inputs)).toContain('shared/errors.ts');
  expect(Object.keys(metafile.inputs).filter((file) => file.startsWith('shared/examples/'))).toEqual([]);
});
