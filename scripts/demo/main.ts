import { statSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, runCommand, UsageError } from '../../local/command.ts';
import { bold, say, step } from './console.ts';
import { type Running, startStack } from './processes.ts';
import { tourOf } from './tour.ts';

const usage = `The tour: a fresh embedded stack, two Scanners, a real list, from upload to applied.

  npm run demo                       with the sample list of this repository
  npm run demo -- --list FILE        with a list of your own: addresses, networks, domains
  npm run demo -- --data DIR         keeps its state in DIR (default .local/demo)

Ends with 0, with 1 and the step that failed, or with 2 when it is called wrongly.
`;

const options = {
  list: { type: 'string', default: join('samples', 'partner-networks.txt') },
  data: { type: 'string', default: join('.local', 'demo') },
} as const;

await runCommand({ usage, options }, async ({ list, data: dir }) => {
  if (!statSync(list, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`There is no file ${list}. Give one with --list FILE.`);
  const running: Running[] = [];
  try {
    const { endpoints } = await step('The embedded stack starts', async () => {
      const started = await startStack(dir);
      running.push(started);
      say(`API ${started.endpoints.api}`);
      return started;
    });
    await tourOf({ dir, list, endpoints }, running);
    console.log(
      `\n${bold('That was the loop.')} Start it for yourself with npm start; README.md says how to go on.`,
    );
    return exitCodes.done;
  } catch (error) {
    throw new Error(`\n${(error as Error).message}\nWhat the parts said is in ${join(dir, 'logs')}.`);
  } finally {
    for (const one of running.reverse()) await one.stop();
  }
});
