import { exitCodes, runCommand, UsageError } from '../local/command.ts';
import { described, environmentOf, environmentOptions, runCdk } from './deploy/cdk.ts';
import { missingCredentials, noCredentials } from './deploy/credentials.ts';
import { nextSteps, readOutputs } from './deploy/outputs.ts';
import { deploymentAccess } from './smoke/access.ts';
import { smoke } from './smoke/journey.ts';

const usage = `Deploys the control plane to the AWS account of the environment's credentials. What may be set: docs/deploy.md.

  npm run deploy                               with all defaults
  npm run deploy -- --env production.json      with the settings of a file
  npm run deploy -- -c historyDays=400         with a setting; goes before the file; may be repeated
  npm run deploy -- --dry-run                  changes nothing: says what would change
  npm run deploy -- --yes                      asks nothing where permissions become wider (for CI)
  npm run deploy -- --outputs FILE             where the outputs go (default cdk.out/outputs.json)

Then it runs the smoke journey, if it can get a token: with SMOKE_CLIENT_SECRET, the secret of the client operator, or with SMOKE_TOKEN. The first
deployment has neither: it says how to get a secret and to run the journey.

Ends with 0 when all is done, 1 when the deployment or the journey failed (a deployment that fails is taken back), 2 when it is called wrongly,
3 when there are no credentials: then nothing was begun.
`;

const options = {
  ...environmentOptions,
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  outputs: { type: 'string', default: 'cdk.out/outputs.json' },
} as const;

/** The configuration is what is in force, also where a parameter had another value before (ADR 0020). */
const deployment = (name: string, file: string, asksNothing: boolean): string[] => [
  'deploy',
  name,
  '--no-previous-parameters',
  '--outputs-file',
  file,
  '--progress',
  'events',
  ...(asksNothing ? ['--require-approval', 'never'] : []),
];

const canHaveToken = (): boolean =>
  process.env['SMOKE_TOKEN'] !== undefined || process.env['SMOKE_CLIENT_SECRET'] !== undefined;

await runCommand({ usage, options }, async (values) => {
  const { config, args } = environmentOf(values);
  if (values['dry-run'] && values.yes)
    throw new UsageError('--dry-run asks nothing: it does not go with --yes.');
  const missing = await missingCredentials();
  if (missing !== undefined) {
    console.error(missing);
    return noCredentials;
  }
  console.log(`${config.name}:\n${described(config).join('\n')}\n`);
  if (values['dry-run']) return runCdk(['diff', config.name, ...args]);
  const code = await runCdk([...deployment(config.name, values.outputs, values.yes), ...args]);
  if (code !== exitCodes.done)
    throw new Error(
      'It was not deployed: the lines above say why. What CloudFormation had begun, it takes back.',
    );
  const outputs = readOutputs(values.outputs, config.name);
  console.log(`\n${nextSteps(outputs, values.outputs, config.name).join('\n')}`);
  if (!canHaveToken()) return exitCodes.done;
  console.log('');
  return smoke(deploymentAccess(outputs, process.env));
});
