import fc from 'fast-check';
import { hostSpecificFlag } from '../../shared/schemas/common.ts';

/** As much of JSON Schema 2020-12 as the OpenAPI document uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly example?: unknown;
}

const notes = [
  ...['description', 'default', 'examples', 'title', 'readOnly', 'writeOnly', 'deprecated', 'id'],
  hostSpecificFlag,
];
const read = [
  ...['$ref', 'type', 'enum', 'const', 'anyOf', 'oneOf', 'properties', 'required', 'additionalProperties'],
  ...['propertyNames', 'items', 'minItems', 'maxItems', 'minLength', 'maxLength', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'example', ...notes],
];

export interface ArbitraryOptions {
  /** What a `$ref` names. */
  resolve(reference: string): JsonSchema;
  /** Text that a string member of this name may well hold; undefined where there is nothing to know. */
  textFor(name: string): fc.Arbitrary<string> | undefined;
}

/** Text as people write it into lists and settings: addresses, networks, names. */
const plausible: fc.Arbitrary<string> = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
  fc.tuple(fc.ipV4(), fc.nat(40)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(140)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV4(), fc.ipV4()).map((pair) => pair.join('-')),
  fc.ipV4Extended(),
);

const longest = 40;

const textOf = (schema: JsonSchema): fc.Arbitrary<string> => {
  const { minLength = 0, maxLength = longest, pattern, format } = schema;
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength;
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u');
    // Patterns that only keep characters out are told by what remains of any text.
    if (pattern.startsWith('^[^'))
      return fc.string({ maxLength: Math.min(maxLength, longest) }).filter((text) => expression.test(text));
    return fc.stringMatching(expression).filter(fits);
  }
  const any = fc.string({
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength, longest)),
    unit: 'grapheme',
  });
  return fc.oneof(any.filter(fits), plausible.filter(fits));
};

const numberOf = ({ type, minimum, maximum, exclusiveMinimum }: JsonSchema): fc.Arbitrary<number> => {
  const min = Math.max(minimum ?? (exclusiveMinimum ?? -1001) + 1, Number.MIN_SAFE_INTEGER);
  const max = Math.min(maximum ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const whole = fc.oneof(fc.integer({ min, max: Math.min(max, min + 1000) }), fc.constantFrom(min, max));
  return type === 'number' ? fc.oneof(whole, fc.double({ min, max, noNaN: true })) : whole;
};

/** Values that a JSON Schema takes. A keyword that this does not know is an error: nothing is left out in silence. */
export const schemaArbitrary = (
  schema: JsonSchema,
  options: ArbitraryOptions,
  name = '',
): fc.Arbitrary<unknown> => {
  const unknown = Object.keys(schema).filter((keyword) => !read.includes(keyword));
  if (unknown.length > 0) throw new TypeError(`No arbitrary is known for ${unknown.join(', ')}.`);
  const inner = (one: JsonSchema, as = name) => schemaArbitrary(one, options, as);

  const ofObject = (): fc.Arbitrary<unknown> => {
    const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
    const members = Object.fromEntries(
      Object.entries(properties).map(([key, one]) => [key, inner(one, key)]),
    );
    const declared = fc.record(members, { requiredKeys: required.filter((key) => key in members) });
    if (typeof additionalProperties !== 'object') return declared;
    const keys = propertyNames ? inner(propertyNames) : fc.string({ maxLength: 12 });
    const more = fc.dictionary(keys as fc.Arbitrary<string>, inner(additionalProperties), { maxKeys: 4 });
    return fc.tuple(more, declared).map(([one, other]) => ({ ...one, ...other }));
  };

  const ofType = (type: string | undefined): fc.Arbitrary<unknown> => {
    switch (type) {
      case 'string': {
        const known = options.textFor(name);
        return known ? fc.oneof(textOf(schema), { arbitrary: known, weight: 2 }) : textOf(schema);
      }
      case 'integer':
      case 'number':
        return numberOf({ ...schema, type });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array': {
        const { items = {}, minItems = 0, maxItems = 4 } = schema;
        return fc.array(inner(items), {
          minLength: minItems,
          maxLength: Math.max(minItems, Math.min(maxItems, 4)),
        });
      }
      case 'object':
        return ofObject();
      default:
        return fc.jsonValue({ maxDepth: 3 });
    }
  };

  const of = (): fc.Arbitrary<unknown> => {
    if (schema.$ref !== undefined) return inner(options.resolve(schema.$ref));
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if ('const' in schema) return fc.constant(schema.const);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((one) => inner(one)));
    return Array.isArray(schema.type) ? fc.oneof(...schema.type.map(ofType)) : ofType(schema.type as string);
  };
  return 'example' in schema ? fc.oneof(of(), { arbitrary: fc.constant(schema.example), weight: 2 }) : of();
};
