import { type ErrorCode, errors, statusOfKind } from '../errors.ts';
import { documentCodes, type Operation, problemCodes } from '../operations/define.ts';
import { type CodeExample, errorExamples } from './errors.ts';
import { at, importId, requestId } from './nouns.ts';

interface NamedExample {
  readonly summary: string;
  readonly value: unknown;
}

type Place = keyof CodeExample;

const codes = Object.keys(errorExamples) as ErrorCode[];

/** A problem document (RFC 9457) as the API answers it. */
const problemDocument = (code: ErrorCode, detail: string, data: object = {}) => ({
  type: `urn:scanner-control-plane:error:${code}`,
  title: errors[code].title,
  status: statusOfKind[errors[code].kind],
  code,
  detail,
  requestId,
  ...data,
});

/** How a code is shown in each place. */
const shown: { readonly [P in Place]: (code: ErrorCode, example: NonNullable<CodeExample[P]>) => unknown } = {
  document: (code, { detail, data }) => problemDocument(code, detail, data),
  problem: (code, { pointer, ...rest }) =>
    problemDocument('VALIDATION_FAILED', '1 problem; see errors.', { errors: [{ pointer, code, ...rest }] }),
  warning: (code, { pointer, message }) => ({ pointer, code, message }),
  job: (code, { detail }) => ({ importId, state: 'failed', error: { code, detail }, finishedAt: at }),
  value: (code, { token, ...rest }) => ({ line: 1, column: 1, token, code, ...rest }),
  reason: (code, rest) => ({ ...rest, reason: code, message: `${errors[code].title}.`, entries: [] }),
  finding: (code, rest) => ({ code, ...rest }),
  rejected: (code, { message }) => ({ requestId, code, message }),
};

/** What the example of a code in a place is called in `components.examples`. */
const prefixes: Readonly<Record<Place, string>> = {
  document: 'problem',
  problem: 'errors',
  warning: 'warnings',
  job: 'imports',
  value: 'import-problems',
  reason: 'reasons',
  finding: 'findings',
  rejected: 'artifacts',
};

const nameOf = (place: Place, code: ErrorCode): string => `${prefixes[place]}.${code}`;

const exampleIn = <P extends Place>(place: P, code: ErrorCode): [string, NamedExample][] => {
  const example = errorExamples[code][place];
  if (example === undefined) return [];
  return [[nameOf(place, code), { summary: errors[code].title, value: shown[place](code, example) }]];
};

/** `components.examples`: every code in every place where it may stand. */
export const codeExamples = (): Record<string, NamedExample> =>
  Object.fromEntries(
    (Object.keys(prefixes) as Place[]).flatMap((place) => codes.flatMap((code) => exampleIn(place, code))),
  );

const reference = (place: Place, code: ErrorCode) =>
  [nameOf(place, code), { $ref: `#/components/examples/${nameOf(place, code)}` }] as const;

/** Examples of the problem documents that the operation may answer with these codes, by reference. */
export const problemReferences = (operation: Operation, documents: readonly ErrorCode[]) =>
  Object.fromEntries([
    ...documents.map((code) => reference('document', code)),
    ...(documents.includes('VALIDATION_FAILED')
      ? problemCodes(operation).map((code) => reference('problem', code))
      : []),
  ]);

/** The operation's codes for problem documents, by the status that they are answered with. */
export const documentsByStatus = (operation: Operation): Map<number, ErrorCode[]> =>
  Map.groupBy(documentCodes(operation), (code) => statusOfKind[errors[code].kind]);
