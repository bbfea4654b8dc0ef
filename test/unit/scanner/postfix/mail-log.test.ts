import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Home } from '../../../../scanner/postfix/home.ts';
import { mailSystemOf } from '../../../../scanner/postfix/mail-system.ts';
import { systemServices } from '../../../../scanner/postfix/services.ts';
import { emptyFolder } from '../folder.ts';

const mailOf = (logFolder: string | null) =>
  mailSystemOf({ logFolder } as Home, '/nowhere/current', systemServices('mx1'));

const line = (program: string, text: string): string =>
  `Nov 29 23:31:42 mx1 postfix/${program}[17]: ${text}\n`;

/** A folder whose mail.log says this. */
const logged = (...lines: string[]): { log: string; mail: ReturnType<typeof mailOf> } => {
  const folder = emptyFolder();
  const log = join(folder, 'mail.log');
  writeFileSync(log, lines.join(''));
  return { log, mail: mailOf(folder) };
};

const inUse = 'fatal: bind 127.0.0.1 port 25: Address already in use';

describe('what the log of Postfix says of errors', () => {
  it('begins at the mark: what was said before it is left out', async () => {
    const { log, mail } = logged(line('master', 'fatal: of yesterday'));
    const mark = await mail.markLog();
    expect(await mail.errorsSince(mark)).toBe('');

    appendFileSync(log, line('master', inUse));

    expect(await mail.errorsSince(mark)).toBe(`postfix/master[17]: ${inUse}`);
    expect(await mail.errorsSince(0)).toContain('of yesterday');
  });

  it('is all that is in a log that was begun anew since the mark', async () => {
    const { log, mail } = logged(line('master', 'daemon started -- version 3.7.11'));
    const mark = await mail.markLog();

    writeFileSync(log, line('master', 'fatal: new'));

    expect(await mail.errorsSince(mark)).toBe('postfix/master[17]: fatal: new');
  });

  it('is in lines that are fatal, a panic or an error, whatever else is there', async () => {
    const { mail } = logged(
      line('master', 'warning: a fatal mistake is near'),
      line('smtpd', 'panic: all is lost'),
      line('smtpd', 'connect from error.example[192.0.2.1]'),
      line('smtpd', 'error: of the disk'),
      line('master', 'reload -- version 3.7.11'),
    );
    expect(await mail.errorsSince(0)).toBe(
      'postfix/smtpd[17]: panic: all is lost; postfix/smtpd[17]: error: of the disk',
    );
  });

  it('is at most the last two of them', async () => {
    const { mail } = logged(...['one', 'two', 'three'].map((text) => line('master', `fatal: ${text}`)));
    expect(await mail.errorsSince(0)).toBe(
      'postfix/master[17]: fatal: two; postfix/master[17]: fatal: three',
    );
  });

  it('is nothing while there is no log file, and everything once there is one', async () => {
    const folder = emptyFolder();
    const mail = mailOf(folder);
    const mark = await mail.markLog();
    expect(mark).toBe(0);
    expect(await mail.errorsSince(mark)).toBe('');

    writeFileSync(join(folder, 'mail.log'), line('master', inUse));

    expect(await mail.errorsSince(mark)).toBe(`postfix/master[17]: ${inUse}`);
  });

  it('is nothing where Postfix writes to the journal', async () => {
    const mail = mailOf(null);
    expect([await mail.markLog(), await mail.errorsSince(0)]).toEqual([0, '']);
  });
});
