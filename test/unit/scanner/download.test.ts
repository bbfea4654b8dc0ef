import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { download } from '../../../scanner/download.ts';
import { root } from './documents.ts';
import { serve } from './object-server.ts';

const never = new AbortController().signal;
const sha256 = root('a');
const at = (url: string) => ({ sha256, url: `${url}/object?X-Amz-Signature=secret` });

describe('a download', () => {
  it('gives the text behind Content-Encoding gzip', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('192.0.2.1\n'));
    });
    expect((await download(at(url), never))?.toString()).toBe('192.0.2.1\n');
  });

  it('that is refused with 403 is null, to be asked for again', async () => {
    const url = await serve((_, response) => response.writeHead(403).end('<Code>AccessDenied</Code>'));
    expect(await download(at(url), never)).toBeNull();
  });

  it.each([404, 500, 503, 301])('that is answered with %i fails', async (status) => {
    const url = await serve((_, response) => response.writeHead(status, { location: '/x' }).end());
    await expect(download(at(url), never)).rejects.toThrow(
      new RegExp(`object ${sha256} could not be fetched`),
    );
  });

  it('larger than allowed is cut off, also when it is small on the wire', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(100_000)));
    });
    await expect(download(at(url), never, 99_999)).rejects.toThrow(/larger than 99999 bytes/);
    expect((await download(at(url), never, 100_000))?.length).toBe(100_000);
  });

  it('that breaks off in the middle fails', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('192.0.2.1\n', () => response.destroy());
    });
    await expect(download(at(url), never)).rejects.toThrow(/could not be fetched/);
  });

  it('from nobody fails, and no message shows the link', async () => {
    const failure = await download(at('http://127.0.0.1:1'), never).catch((error: Error) => error);
    expect((failure as Error).message).toMatch(/could not be fetched/);
    expect((failure as Error).message).not.toMatch(/Signature/);
  });

  it('stops when it is told to', async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    const failure = download(at(url), stop.signal);
    stop.abort(new Error('the Scanner stops'));
    await expect(failure).rejects.toThrow(/the Scanner stops/);
  });
});
