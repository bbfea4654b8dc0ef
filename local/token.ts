import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scopes } from '../shared/operations/define.ts';
import { mintToken } from './issuer.ts';

const usage = `Prints an access token of the embedded stack, alone on its last line.

  npm run token                                   all scopes, for an hour
  npm run token -- --scope scanners/read          only these; may be repeated
  npm run token -- --expires-in 60                seconds
  npm run token -- --data DIR                     of the stack that keeps its state in DIR (default .local)

Scopes: ${scopes.join(', ')}
`;

const { values } = parseArgs({
  options: {
    scope: { type: 'string', multiple: true, default: [...scopes] },
    'expires-in': { type: 'string', default: '3600' },
    data: { type: 'string', default: '.local' },
    help: { type: 'boolean', short: 'h' },
  },
});

const issuerOf = (dir: string): string =>
  (JSON.parse(readFileSync(join(dir, 'endpoints.json'), 'utf8')) as { issuer: string }).issuer;

const complain = (message: string): number => {
  console.error(message);
  return 2;
};

const main = async (): Promise<number> => {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const unknown = values.scope.filter((scope) => !(scopes as readonly string[]).includes(scope));
  if (unknown.length > 0)
    return complain(`There is no scope ${unknown.join(', ')}. There are: ${scopes.join(', ')}.`);
  const expiresInSeconds = Number(values['expires-in']);
  if (!Number.isInteger(expiresInSeconds)) return complain('--expires-in takes a number of seconds.');
  try {
    const request = { issuer: issuerOf(values.data), scope: values.scope, expiresInSeconds };
    console.log(await mintToken(values.data, request));
    return 0;
  } catch (error) {
    console.error(
      `No token: ${(error as Error).message}\nIs the embedded stack running? Start it with: npm start`,
    );
    return 1;
  }
};

process.exitCode = await main();
