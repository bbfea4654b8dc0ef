import { exitCodes, runCommand } from '../local/command.ts';
import { clientVariables, readEndpoints } from './embedded.ts';

const usage = `Prints shell lines that point the AWS CLI and SDKs at the running embedded stack.

  eval "$(npm run -s aws-env)"
  eval "$(npm run -s aws-env -- --data DIR)"   the stack that keeps its state in DIR (default .local)
`;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

await runCommand({ usage, options: { data: { type: 'string', default: '.local' } } }, ({ data }) => {
  for (const [name, value] of Object.entries(clientVariables(readEndpoints(data))))
    console.log(`export ${name}=${quoted(value)}`);
  console.log('unset AWS_SESSION_TOKEN');
  return exitCodes.done;
});
