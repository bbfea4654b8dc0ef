import { createConfig, lintFromString, type NormalizedProblem } from '@redocly/openapi-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openApiDocument } from '../../shared/openapi.ts';

const document = openApiDocument();

const rules = {
  // There is no licence to name: the project is private.
  'info-license': 'off',
} as const;

/**
 * Codes that stand in successes, in reports of files or in MQTT messages: no response of OpenAPI can refer to a part of itself, so nothing
 * refers to their examples.
 */
const referredToByNothing =
  /^#\/components\/examples\/(warnings|imports|import-problems|reasons|findings|artifacts)\./;

const expected = ({ ruleId, location }: NormalizedProblem): boolean =>
  ruleId === 'no-unused-components' && referredToByNothing.test(location[0]?.pointer ?? '');

interface Parameter {
  name: string;
  in: string;
  description?: string;
  example?: unknown;
}

interface Media {
  example?: unknown;
  examples?: Record<string, unknown>;
}

interface Described {
  operationId: string;
  summary: string;
  tags: string[];
  security: unknown;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, { $ref?: string; description?: string; content?: Record<string, Media> }>;
}

const operations = Object.values(document.paths ?? {})
  .flatMap((item) => Object.values(item) as Described[])
  .map((operation) => [operation.operationId, operation] as const);

const responseOf = ({ $ref, ...own }: Described['responses'][string]) =>
  ($ref ? document.components?.responses?.[$ref.split('/').at(-1) ?? ''] : own) as typeof own;

describe('the OpenAPI document', () => {
  let problems: NormalizedProblem[];
  beforeAll(async () => {
    const config = await createConfig({ extends: ['recommended'], rules });
    const source = JSON.stringify(document);
    problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  });

  it('is free of errors and warnings of the linter', () => {
    const found = problems.filter((problem) => !expected(problem));

    expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it('describes each of its tags, and has no other', () => {
    const tags = document.tags ?? [];
    const used = new Set(operations.flatMap(([, operation]) => operation.tags));

    expect(tags.map((tag) => tag.name).sort()).toEqual([...used].sort());
    for (const tag of tags) expect(tag.description).toBeTruthy();
  });

  it('says which operations may be called without the body that they take', () => {
    const optional = operations.filter(([, { requestBody }]) => requestBody && !requestBody.required);

    expect(optional.map(([id]) => id)).toEqual(['sync-scanner']);
  });

  it.each(operations)('describes %s, with an example of everything', (_, operation) => {
    const bare = (operation.parameters ?? [])
      .filter(({ description, example }) => !description || example === undefined)
      .map(({ name }) => name);
    const media = [
      ...Object.values(operation.requestBody?.content ?? {}),
      ...Object.values(operation.responses).flatMap((one) => Object.values(responseOf(one).content ?? {})),
    ];

    expect(bare).toEqual([]);
    expect(operation.security).toBeDefined();
    for (const one of media) expect(one.example ?? Object.keys(one.examples ?? {})[0]).toBeDefined();
  });
});
