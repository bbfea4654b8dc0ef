import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bold, say, step } from './console.ts';
import { type Running, startStack } from './processes.ts';
import { tourOf } from './tour.ts';

const usage = `The tour: a fresh embedded stack, two Scanners, a real list, from upload to applied.

  npm run demo                       with the sample list of this repository
  npm run demo -- --list FILE        with a list of your own: addresses, networks, domains
  npm run demo -- --data DIR         keeps its state in DIR (default .local/demo)

Ends with 0, or with 1 and the step that failed.
`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      list: { type: 'string', default: join('samples', 'partner-networks.txt') },
      data: { type: 'string', default: join('.local', 'demo') },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (!existsSync(values.list)) {
    console.error(`There is no file ${values.list}. Give one with --list FILE.`);
    return 2;
  }
  const running: Running[] = [];
  try {
    const stack = await step('The embedded stack starts', async () => {
      const started = await startStack(values.data);
      running.push(started);
      say(`API ${started.endpoints.api}`);
      return started;
    });
    await tourOf({ dir: values.data, list: values.list, endpoints: stack.endpoints }, running);
    console.log(
      `\n${bold('That was the loop.')} Start it for yourself with npm start; README.md says how to go on.`,
    );
    return 0;
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    console.error(`What the parts said is in ${join(values.data, 'logs')}.`);
    return 1;
  } finally {
    for (const one of running.reverse()) await one.stop();
  }
};

process.exitCode = await main();
