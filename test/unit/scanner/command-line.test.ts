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
    ['a URL that is none', ['--id', 'mx1', '--url', 'api.example.com', '--token', 't']],
  ])('is refused with %s', (_, args) => {
    expect(() => readCommandLine(args)).toThrow(UsageError);
  });
});
