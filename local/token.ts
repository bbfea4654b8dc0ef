import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scopes } from '../shared/operations/define.ts';
import { exitCodes, runCommand, startCommand, UsageError } from './command.ts';
import { mintToken } from './issuer.ts';

const usage = `Prints an access token of the embedded stack, alone on its last line.

  npm run token                                   all scopes, for an hour
  npm run token -- --scope scanners/read          only these; may be repeated
  npm run token -- --expires-in 60                seconds
  npm run token -- --data DIR                     of the stack that keeps its state in DIR (default .local)

Scopes: ${scopes.join(', ')}
`;

const options = {
  scope: { type: 'string', multiple: true },
  'expires-in': { type: 'string', default: '3600' },
  data: { type: 'string', default: '.local' },
} as const;

const issuerOf = (dir: string): string =>
  (JSON.parse(readFileSync(join(dir, 'endpoints.json'), 'utf8')) as { issuer: string }).issuer;

await runCommand({ usage, options }, async (values) => {
  const scope = values.scope ?? [...scopes];
  const unknown = scope.filter((one) => !(scopes as readonly string[]).includes(one));
  if (unknown.length > 0) throw new UsageError(`There is no scope ${unknown.join(', ')}.`);
  const expiresInSeconds = Number(values['expires-in']);
  if (!Number.isInteger(expiresInSeconds))
    throw new UsageError('--expires-in takes a whole number of seconds.');
  try {
    const request = { issuer: issuerOf(values.data), scope, expiresInSeconds };
    console.log(await mintToken(values.data, request));
    return exitCodes.done;
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(
      `No token: ${why}\nIs the embedded stack running? Start it with: ${startCommand(values.data)}`,
    );
  }
});
