import { parseArgs } from 'node:util';
import { isScannerId } from '../shared/schemas/common.ts';
import { isHostName } from './postfix/render/place.ts';

export const usage = `A reference Scanner: registers and enrols itself if needed, connects by MQTT over mutual TLS, and keeps
its folder on the configuration that the control plane wants it to have.

  npm run scanner -- --id mx1                          against the embedded stack (npm start)
  npm run scanner -- --id mx1 --url https://…/v1 --token …   against another control plane
  npm run scanner -- --id mx1 --mta postfix            and a Postfix of its own that runs by it (docs/postfix.md)

  --id ID            its id: 1 to 63 lower-case letters, digits and hyphens
  --data DIR         where the embedded stack keeps its state, endpoints.json among it; the Scanner's
                     own folder is DIR/scanners/ID (default .local)
  --host-name NAME   what to say of the host when it registers; with --mta postfix also what Postfix calls it, to clients
                     (banner), to servers (HELO) and in Received headers: its full name, mx1.example.com. Without it
                     Postfix takes the name of the host, which is often a short one
  --url URL          the API, version included; needs --token
  --token TOKEN      an access token with the scopes scanners/read and scanners/write; it may be in the
                     environment instead, as SCANNER_TOKEN
  --enrol            takes a new key and certificate even if it has one that works
  --mta postfix      puts configurations in force in a private Postfix and its guard, below the Scanner's folder;
                     they end with this process. Needs Postfix, and root
  --installed        with --mta postfix: they are units of systemd, and go on without this process
  --help             this text

In its folder: current/configuration.json, current/lists/<list>.txt (enabled entries, one a line) and
current/artifacts/<name>.json (certificates with their keys, directory sources and the like, readable by its own
user alone) are what is in force, switched at once; objects/ holds what was fetched, under its sha-256;
private-key.pem never leaves.
An enrolled Scanner starts without the API too. One process for each folder: the second is refused.

Ends with 0 when told to (SIGINT, SIGTERM); 1 when its folder cannot be used; 2 when called wrongly; 3 when nothing says
where the control plane is and it is not enrolled yet; 4 when the control plane refuses it; 5 when another Scanner runs on its
folder; 6 when there is no Postfix that it can run. A control plane that does not answer, or with 429 or 5xx, is tried again.
`;

export const exitCodes = {
  stopped: 0,
  folder: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  inUse: 5,
  mta: 6,
} as const;

/** Called wrongly: the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandLine {
  help: boolean;
  id: string;
  data: string;
  hostName?: string;
  /** Another control plane than that of the embedded stack. */
  access?: { url: string; token: string };
  enrol: boolean;
  /** A Postfix instead of a plain folder; `installed`: as units of systemd. */
  postfix?: { installed: boolean };
}

const options = {
  id: { type: 'string' },
  data: { type: 'string', default: '.local' },
  'host-name': { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
  enrol: { type: 'boolean', default: false },
  mta: { type: 'string' },
  installed: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const parsed = (args: string[]) => {
  try {
    return parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
};

const accessOf = (url: string | undefined, token: string | undefined): CommandLine['access'] => {
  if (url === undefined && token === undefined) return undefined;
  if (url === undefined || token === undefined) throw new UsageError('--url and --token go together.');
  if (!URL.canParse(url) || !/^https?:/i.test(url))
    throw new UsageError(`--url ${url} is no URL that begins with https:// or http://.`);
  return { url: url.replace(/\/+$/, ''), token };
};

const postfixOf = (mta: string | undefined, installed: boolean): CommandLine['postfix'] => {
  if (mta === 'postfix') return { installed };
  if (mta !== undefined) throw new UsageError(`--mta ${mta} is not known: it can be postfix.`);
  if (installed) throw new UsageError('--installed goes with --mta postfix.');
  return undefined;
};

/** @throws UsageError */
export const readCommandLine = (args: string[], env: NodeJS.ProcessEnv = {}): CommandLine => {
  const { id = '', data, url, token, enrol, help, mta, installed, ...rest } = parsed(args);
  if (!help && !isScannerId(id))
    throw new UsageError(
      id === ''
        ? 'Give the Scanner an id: --id mx1.'
        : `"${id}" is not an id: 1 to 63 lower-case letters, digits and hyphens.`,
    );
  // Where it is installed and enrolled, it needs none.
  const kept = env['SCANNER_TOKEN'] ?? (installed ? '' : undefined);
  const access = accessOf(url, token ?? (url === undefined ? undefined : kept));
  const hostName = rest['host-name'];
  const postfix = postfixOf(mta, installed);
  if (postfix && hostName && !isHostName(hostName))
    throw new UsageError(
      `--host-name ${hostName} cannot be the name of a host: mx1.example.com would be one.`,
    );
  return {
    help,
    id,
    data,
    enrol,
    ...(hostName ? { hostName } : {}),
    ...(access ? { access } : {}),
    ...(postfix ? { postfix } : {}),
  };
};
