import { AppError } from '../../errors.ts';

const starts = (bytes: Uint8Array, ...magic: number[]): boolean =>
  magic.every((byte, index) => bytes[index] === byte);

const utf16Message = 'The file is UTF-16 text. Save it as UTF-8 and upload it again.';

/** UTF-16 without a byte order mark: every second byte of the first characters is NUL. */
const looksUtf16 = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && ((bytes[0] === 0 && bytes[2] === 0) || (bytes[1] === 0 && bytes[3] === 0));

/** Refuses, by its first bytes, a file that cannot be a list. */
const refuseByStart = (bytes: Uint8Array): void => {
  if (starts(bytes, 0xff, 0xfe) || starts(bytes, 0xfe, 0xff) || looksUtf16(bytes))
    throw new AppError('FILE_NOT_UTF8', utf16Message);
  if (starts(bytes, 0x1f, 0x8b))
    throw new AppError('FILE_COMPRESSED', 'The file is gzip. Upload what is in it.');
  if (starts(bytes, 0x50, 0x4b, 3, 4) || starts(bytes, 0x50, 0x4b, 5, 6))
    throw new AppError(
      'FILE_COMPRESSED',
      'The file is a zip archive (a spreadsheet is one, too). Upload the text that is in it.',
    );
  if (
    starts(bytes, 0x42, 0x5a, 0x68) ||
    starts(bytes, 0xfd, 0x37, 0x7a, 0x58, 0x5a) ||
    starts(bytes, 0x28, 0xb5, 0x2f, 0xfd)
  )
    throw new AppError('FILE_COMPRESSED', 'The file is compressed. Upload what is in it.');
};

const startLength = 6;

/** Turns the bytes of a file, in whatever pieces, into text. One leading byte order mark is dropped. */
export interface TextStream {
  push(bytes: Uint8Array): string;
  end(): string;
}

/**
 * Text of a UTF-8 file. FILE_NOT_UTF8, FILE_BINARY or FILE_COMPRESSED, thrown as soon as it shows, for a file that is
 * none. Holds back only the first bytes and an unfinished character.
 */
export const textStream = (): TextStream => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let start: Uint8Array | null = new Uint8Array(0);

  const decode = (bytes: Uint8Array | undefined): string => {
    if (bytes?.includes(0)) throw new AppError('FILE_BINARY', 'The file has NUL bytes, so it is not text.');
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (error) {
      throw new AppError('FILE_NOT_UTF8', 'The file has bytes that are not UTF-8. Save it as UTF-8.', {
        cause: error,
      });
    }
  };

  const begin = (): string => {
    const held = start ?? new Uint8Array(0);
    start = null;
    refuseByStart(held);
    return decode(held);
  };

  return {
    push(bytes) {
      if (!start) return decode(bytes);
      const joined = new Uint8Array(start.length + bytes.length);
      joined.set(start);
      joined.set(bytes, start.length);
      start = joined;
      return joined.length < startLength ? '' : begin();
    },
    end() {
      return (start ? begin() : '') + decode(undefined);
    },
  };
};
