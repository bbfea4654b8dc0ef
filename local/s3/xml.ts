import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './s3-error.ts';

export type XmlValue = string | number | boolean | undefined | XmlObject | XmlValue[];
export interface XmlObject {
  [name: string]: XmlValue;
}

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f]/g,
      (character) => `&#x${character.charCodeAt(0).toString(16)};`,
    );

const element = (name: string, value: XmlValue): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('');
  const inner = typeof value === 'object' ? members(value) : escaped(String(value));
  return `<${name}>${inner}</${name}>`;
};

const members = (value: XmlObject): string =>
  Object.entries(value)
    .map(([name, member]) => element(name, member))
    .join('');

/** A document with one root element of members or text, in S3's namespace unless it is an error. */
export const xmlDocument = (root: string, value: XmlObject | string): string => {
  const namespace = root === 'Error' ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${typeof value === 'string' ? escaped(value) : members(value)}</${root}>`;
};

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: true,
  htmlEntities: true, // also the numeric ones, in which SDKs write line breaks
  isArray: (name) => name === 'Object' || name === 'Part',
});

/** The members of a document's root element. MalformedXML for anything else. */
export const parseXml = (text: string, root: string): Record<string, unknown> => {
  try {
    const document = parser.parse(text, true) as Record<string, unknown>;
    const found = document[root];
    if (typeof found === 'object' && found !== null) return found as Record<string, unknown>;
  } catch {
    // Falls through: it is not well formed.
  }
  throw new S3Error('MalformedXML', `The body is not a ${root} document.`);
};
