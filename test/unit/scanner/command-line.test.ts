import { describe, expect, it } from 'vitest';
import { readCommandLine, UsageError } from '../../../scanner/command-line.ts';

describe('the command line', () => {
  it('needs no more than an id', () => {
    expect(readCommandLine(['--id', 'mx1'])).toEqual({
      help: false,
      id: 'mx1',
      data: '.local',
      enrol: false,
    });
  });

  it('takes all of its options', () => {
    const args = ['--id', 'mx1', '--data', '/d', '--host-name', 'mx1.example.com', '--enrol'];
    expect(readCommandLine([...args, '--url', 'https://api.example.com/v1/', '--token', 't'])).toEqual({
      help: false,
      id: 'mx1',
      data: '/d',
      hostName: 'mx1.example.com',
      access: { url: 'https://api.example.com/v1', token: 't' },
      enrol: true,
    });
  });

  it('takes a Postfix instead of a plain folder, private or installed', () => {
    const { postfix: none } = readCommandLine(['--id', 'mx1']);
    const { postfix: own } = readCommandLine(['--id', 'mx1', '--mta', 'postfix']);
    const { postfix: installed } = readCommandLine(['--id', 'mx1', '--mta', 'postfix', '--installed']);
    expect([none, own, installed]).toEqual([undefined, { installed: false }, { installed: true }]);
  });

  it('finds the token in the environment where a URL comes without one, and needs none where it is installed', () => {
    const env = { SCANNER_TOKEN: 's' };
    const url = ['--url', 'https://api.example.com/v1'];
    expect(readCommandLine(['--id', 'mx1', ...url], env).access?.token).toBe('s');
    expect(readCommandLine(['--id', 'mx1', ...url, '--token', 't'], env).access?.token).toBe('t');
    expect(readCommandLine(['--id', 'mx1'], env).access).toBeUndefined();
    const installed = ['--mta', 'postfix', '--installed'];
    expect(readCommandLine(['--id', 'mx1', ...url, ...installed]).access?.token).toBe('');
  });

  it('asked for help needs no id', () => {
    expect(readCommandLine(['-h']).help).toBe(true);
  });

  it.each([
    ['no id', []],
    ['an empty id', ['--id', '']],
    ['an id in upper case', ['--id', 'MX1']],
    ['an id with a path in it', ['--id', '../mx1']],
    ['an option that there is not', ['--id', 'mx1', '--verbose']],
    ['an option without its value', ['--id', 'mx1', '--data']],
    ['a word too many', ['--id', 'mx1', 'now']],
    ['a URL without a token', ['--id', 'mx1', '--url', 'https://api.example.com/v1']],
    ['a token without a URL', ['--id', 'mx1', '--token', 't']],
    ['an MTA that is not known', ['--id', 'mx1', '--mta', 'sendmail']],
    ['an installed plain folder', ['--id', 'mx1', '--installed']],
    ['a URL of something else', ['--id', 'mx1', '--url', 'ftp://api.example.com/v1', '--token', 't']],
    ['a URL that is none', ['--id', 'mx1', '--url', 'api.example.com', '--token', 't']],
  ])('is refused with %s', (_, args) => {
    expect(() => readCommandLine(args)).toThrow(UsageError);
  });

  it.each([
    'my_host',
    'mx 1',
    'mx1.example.com.',
  ])('names --host-name where Postfix cannot be called %s', (name) => {
    const args = ['--id', 'mx1', '--mta', 'postfix', '--host-name', name];
    expect(() => readCommandLine(args)).toThrow(`--host-name ${name} cannot be the name of a host`);
  });
});
