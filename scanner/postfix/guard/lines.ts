/** A peer sent a line that is longer than any that its protocol has. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

const lf = 10;

/**
 * Cuts what comes in over a connection into lines that end with LF, however it is cut on the way. Bytes become characters one for one, so that
 * nothing is lost; whoever needs UTF-8 decodes what it takes. Holds at most `longest` bytes of a line that has not ended.
 */
export const lineReader = (longest: number): ((piece: Uint8Array) => string[]) => {
  let rest = '';
  return (piece) => {
    const lines: string[] = [];
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let from = 0;
    for (let end = bytes.indexOf(lf); end >= 0; end = bytes.indexOf(lf, from)) {
      if (rest.length + end - from > longest) throw new LineTooLong(`a line has more than ${longest} bytes`);
      lines.push(rest + bytes.toString('latin1', from, end));
      rest = '';
      from = end + 1;
    }
    if (rest.length + bytes.length - from > longest)
      throw new LineTooLong(`a line has more than ${longest} bytes`);
    rest += bytes.toString('latin1', from);
    return lines;
  };
};

/** The text of a line whose bytes are UTF-8. */
export const utf8Of = (line: string): string => Buffer.from(line, 'latin1').toString('utf8');
