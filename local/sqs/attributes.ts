import { createHash } from 'node:crypto';
import type { MessageAttributes } from '../queue-messages.ts';
import { badParameter } from './errors.ts';

/** An attribute on the wire: text, or bytes in base64. */
interface WireAttribute {
  DataType?: unknown;
  StringValue?: unknown;
  BinaryValue?: unknown;
}

const most = 10;
const isBinary = (type: string): boolean => type.split('.')[0] === 'Binary';

const readOne = (name: string, wire: WireAttribute): { type: string; value: string } => {
  const { DataType: type, StringValue, BinaryValue } = wire;
  if (typeof type !== 'string' || !/^(String|Number|Binary)(\.|$)/.test(type))
    throw badParameter(`The message attribute ${name} has no type that SQS knows.`);
  const value = isBinary(type) ? BinaryValue : StringValue;
  if (typeof value !== 'string' || value === '')
    throw badParameter(`The message attribute ${name} has no value of its type.`);
  return { type, value };
};

/** Attributes of a message that is sent. InvalidParameterValue for one without type or value, and for more than ten. */
export const readAttributes = (wire: unknown): MessageAttributes => {
  const entries = Object.entries((wire ?? {}) as Record<string, WireAttribute>);
  if (entries.length > most) throw badParameter(`A message has at most ${most} attributes.`);
  for (const [name] of entries)
    if (!/^[\w.-]{1,256}$/.test(name)) throw badParameter(`${name} is no name of a message attribute.`);
  return Object.fromEntries(entries.map(([name, value]) => [name, readOne(name, value)]));
};

/** Those attributes that are asked for, by name, by `prefix.*`, or all. */
export const chosen = (attributes: MessageAttributes, asked: readonly string[]): MessageAttributes => {
  const isAsked = (name: string) =>
    asked.some(
      (one) =>
        one === 'All' ||
        one === name ||
        (one.endsWith('.*') && name.startsWith(one.slice(0, -1))) ||
        one === '.*',
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isAsked(name)));
};

export const wireAttributes = (attributes: MessageAttributes): object =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { type, value }]) => [
      name,
      { DataType: type, ...(isBinary(type) ? { BinaryValue: value } : { StringValue: value }) },
    ]),
  );

const counted = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

export const md5 = (data: string | Buffer): string => createHash('md5').update(data).digest('hex');

/** MD5 of attributes (SQS developer guide, "Calculating the MD5 message digest for message attributes"); undefined where there are none. */
export const md5OfAttributes = (attributes: MessageAttributes): string | undefined => {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const parts = names.flatMap((name) => {
    const { type = '', value = '' } = attributes[name] ?? {};
    const bytes = isBinary(type) ? Buffer.from(value, 'base64') : Buffer.from(value);
    const transport = Buffer.from([isBinary(type) ? 2 : 1]);
    return [counted(Buffer.from(name)), counted(Buffer.from(type)), transport, counted(bytes)];
  });
  return md5(Buffer.concat(parts));
};
