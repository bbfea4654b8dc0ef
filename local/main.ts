import { isOfNpm, signalled } from '../scanner/signalled.ts';
import { exitCodes, runCommand, UsageError } from './command.ts';
import { declaredTemplate } from './declared.ts';
import { readParameters } from './parameters.ts';
import { standardPortBase } from './ports.ts';
import { type Endpoints, startStack } from './stack.ts';

const usage = `Runs the embedded stack: everything the control plane needs, on this machine, over the real wire protocols.

  npm start                          until interrupted (Ctrl-C); state stays in .local/
  npm start -- --fresh               begins with nothing
  npm start -- --data DIR            keeps its state in DIR
  npm start -- --port-base N         eight ports from N on (default ${standardPortBase}); 0: any that are free
  npm start -- --duplicate-events    delivers each event of the bucket twice, as EventBridge may
  npm start -- --parameter NAME=VALUE   a parameter of the template, as a deployment would be given it, and refused where that would be; repeatable

DYNAMODB_ENDPOINT names a DynamoDB of your own to use instead of the embedded engine.
Ends with 0 when it is told to end, 1 when it cannot start, 2 when it is called wrongly.
`;

const bold = (text: string) =>
  process.stdout.isTTY && !process.env['NO_COLOR'] ? `\u001b[1m${text}\u001b[0m` : text;

const show = (endpoints: Endpoints, dir: string, milliseconds: number): void => {
  const rows: [string, string][] = [
    ['API', endpoints.api],
    ['issuer', endpoints.issuer],
    ['DynamoDB', `${endpoints.dynamodb}   table ${endpoints.table}`],
    ['S3', `${endpoints.s3}   bucket ${endpoints.bucket}`],
    ['IoT', endpoints.iotData],
    ['Lambda', endpoints.lambda],
    ['MQTT', `${endpoints.mqtt.host}:${endpoints.mqtt.port}   TLS with a Scanner's certificate`],
    ['all of it', `${dir}/endpoints.json`],
    ['logs', `${dir}/logs/`],
  ];
  console.log(bold(`The embedded stack is ready (${(milliseconds / 1000).toFixed(1)} s).`));
  for (const [name, value] of rows) console.log(`  ${name.padEnd(10)} ${value}`);
  const where = dir === '.local' ? '' : ` --data ${dir}`;
  const alone = where === '' ? '' : ` --${where}`;
  console.log(`\nNext, in another terminal:  npm run scanner -- --id mx1${where}`);
  console.log(`An access token:            npm run -s token${alone}`);
  console.log(`The AWS CLI:                eval "$(npm run -s aws-env${alone})"`);
  console.log('\nCtrl-C ends it; its state is kept.');
};

const options = {
  data: { type: 'string', default: '.local' },
  'port-base': { type: 'string' },
  fresh: { type: 'boolean', default: false },
  'duplicate-events': { type: 'boolean', default: false },
  parameter: { type: 'string', multiple: true, default: [] as string[] },
} as const;

const portBaseOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_529) return Number(text);
  throw new UsageError('--port-base takes a number from 0 to 65529.');
};

/** Only what is given is compared with the template: most starts need not wait for that. */
const parametersOf = async (given: string[]): Promise<Record<string, string>> =>
  given.length === 0 ? {} : readParameters(given, (await declaredTemplate()).Parameters ?? {});

// Whatever the stack keeps is its own user's: keys and lists are in it.
process.umask(0o077);
await runCommand({ usage, options }, async (values) => {
  const portBase = portBaseOf(values['port-base']);
  const begun = performance.now();
  const parameters = await parametersOf(values.parameter);
  const stop = signalled({ byNpm: isOfNpm(process.env) });
  const stack = await startStack({
    dir: values.data,
    fresh: values.fresh,
    duplicateEvents: values['duplicate-events'],
    parameters,
    ...(portBase === undefined ? {} : { portBase }),
  });
  show(stack.endpoints, values.data, performance.now() - begun);
  await stop;
  await stack.close();
  return exitCodes.done;
});
process.exit();
