/** One block of a PEM text (RFC 7468), in its one form: lines of 64 characters, LF at every end. */
export interface PemBlock {
  label: string;
  text: string;
  /** Headers before the data, as only keys in OpenSSL's own encrypted form have them. */
  hasHeaders: boolean;
}

interface Open {
  label: string;
  line: number;
  body: string[];
}

const boundary = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]*)-----$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Why a text is not read; a sentence that repeats nothing of it, for it may hold a key. */
class PemFault extends Error {}

const fault = (sentence: string): never => {
  throw new PemFault(sentence);
};

const assertAscii = (line: string, number: number): void => {
  if (!/^[\t\u0020-\u007e]*$/.test(line))
    fault(
      `Line ${number} has a character that PEM does not have (RFC 7468: ASCII only); was it copied from a formatted text?`,
    );
};

const blockOf = ({ label, line, body }: Open): PemBlock => {
  const headers = body.filter((one) => one.includes(':'));
  const data = headers.length > 0 ? '' : body.join('');
  if (headers.length === 0 && (data === '' || !base64.test(data)))
    fault(`The data of the block that begins at line ${line} is not base64.`);
  const lines = data.match(/.{1,64}/g) ?? [];
  const text = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
  return { label, text, hasHeaders: headers.length > 0 };
};

const readLines = (lines: string[]): PemBlock[] => {
  const blocks: PemBlock[] = [];
  let open: Open | undefined;
  for (const [index, raw] of lines.entries()) {
    assertAscii(raw, index + 1);
    const line = raw.trim();
    const [, kind, label = ''] = boundary.exec(line) ?? [];
    if (kind === 'BEGIN' && open) fault(`The block that begins at line ${open.line} has no end.`);
    if (kind === 'END' && open?.label !== label) fault(`Line ${index + 1} ends a block that did not begin.`);
    if (kind === 'BEGIN') open = { label, line: index + 1, body: [] };
    else if (kind === 'END' && open) {
      blocks.push(blockOf(open));
      open = undefined;
    } else if (line !== '') open?.body.push(line);
  }
  if (open) fault(`The block that begins at line ${open.line} has no end.`);
  return blocks;
};

/** The blocks of a PEM text, in order; text around them is ignored. A sentence instead where it cannot be read. */
export const readPem = (text: string): PemBlock[] | string => {
  try {
    return readLines(text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/));
  } catch (error) {
    if (error instanceof PemFault) return error.message;
    throw error;
  }
};
