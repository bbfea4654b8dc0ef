import { runCommand, UsageError } from '../local/command.ts';
import { readOutputs } from './deploy/outputs.ts';
import { deploymentAccess, embeddedAccess, urlAccess } from './smoke/access.ts';
import { smoke } from './smoke/journey.ts';

const usage = `Takes one Scanner the whole way through a control plane, and out again: a token, health, registration, settings, a list, what the shadow
holds, decommission. It leaves history and nothing else.

  npm run smoke                              the embedded stack that runs here (state in .local)
  npm run smoke -- --data DIR                the one that keeps its state in DIR
  npm run smoke -- --outputs FILE            a deployment, by what npm run deploy wrote (cdk.out/outputs.json)
  npm run smoke -- --outputs FILE --stack S  where the file has several
  npm run smoke -- --url URL                 any other, with SMOKE_TOKEN

A deployment is asked with the token in SMOKE_TOKEN, or with one for the client operator, whose secret is in SMOKE_CLIENT_SECRET.
SMOKE_CLIENT_ID and SMOKE_TOKEN_ENDPOINT take the place of what the outputs say.

Ends with 0 when every step went well, 1 when one failed (it is named), 2 when it is called wrongly.
`;

const options = {
  data: { type: 'string' },
  outputs: { type: 'string' },
  stack: { type: 'string' },
  url: { type: 'string' },
} as const;

await runCommand({ usage, options }, ({ data, outputs, stack, url }) => {
  if ([data, outputs, url].filter((one) => one !== undefined).length > 1)
    throw new UsageError('Of --data, --outputs and --url one is enough.');
  if (stack !== undefined && outputs === undefined) throw new UsageError('--stack goes with --outputs.');
  if (outputs !== undefined) return smoke(deploymentAccess(readOutputs(outputs, stack), process.env));
  return smoke(url === undefined ? embeddedAccess(data ?? '.local') : urlAccess(url, process.env));
});
