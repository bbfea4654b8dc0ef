import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostfix } from '../../../scanner/postfix/open-postfix.ts';
import { postfixSink } from '../../../scanner/postfix/postfix-sink.ts';
import { runToSuccess } from '../../../scanner/postfix/program.ts';
import type { PostfixParts } from '../../../scanner/postfix/steps.ts';
import type { Contents, ListContent } from '../../../scanner/sink.ts';
import { advancedOf, type Desired } from '../../../shared/domain/desired.ts';
import { hostFormat, sortHosts } from '../../../shared/domain/hosts.ts';
import {
  accessFormat,
  type BuiltList,
  buildList,
  enabledLines,
} from '../../../shared/domain/lists/chunks.ts';
import { sortEntries } from '../../../shared/domain/lists/order.ts';
import { type AdvancedSettingsInput, advancedSettings } from '../../../shared/schemas/advanced.ts';
import type { HostInput } from '../../../shared/schemas/hosts.ts';
import type { AccessListName, HostListName, ListName } from '../../../shared/schemas/lists.ts';
import { type SmtpSettingsInput, smtpSettings } from '../../../shared/schemas/smtp.ts';
import { entryOf } from '../../unit/domain/lists/pieces.ts';
import { digestOf } from '../../unit/scanner/documents.ts';
import { sha } from '../../unit/scanner/lists-of.ts';

/** A configuration of a Scanner. Values of lists that begin with `#` are disabled entries. */
export interface Given {
  smtp: SmtpSettingsInput;
  advanced?: AdvancedSettingsInput;
  lists?: Partial<Record<AccessListName, readonly string[]>>;
  hosts?: Partial<Record<HostListName, readonly HostInput[]>>;
  artifacts?: Record<string, unknown>;
}

/** A host of loopback that mail goes to. */
export const hostAt = (port: number, preference = 10): HostInput => ({
  host: '127.0.0.1',
  port,
  mxLookup: false,
  preference,
});

/** An access list as the control plane stores it. */
export const storedList = (values: readonly string[]): BuiltList =>
  buildList(
    sortEntries(values.map((value) => entryOf(value.replace('#', ''), { enabled: !value.startsWith('#') }))),
    accessFormat,
    sha,
  );

/** What a Scanner writes of it. */
const enabledText = (values: readonly string[]): string =>
  storedList(values)
    .chunks.map(({ text }) => enabledLines(text))
    .join('');

const hostText = (hosts: readonly HostInput[]): string =>
  sortHosts(hosts.map((host, index) => ({ ...host, hostId: `host-${String(index).padStart(16, '0')}` })))
    .map(hostFormat.line)
    .join('');

/** Shadows have no null. */
const withoutNull = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (_, member) => (member === null ? undefined : member)));

const textsOf = ({ lists = {}, hosts = {} }: Given): [ListName, string][] => [
  ...Object.entries(lists).map(([name, values]): [ListName, string] => [
    name as ListName,
    enabledText(values),
  ]),
  ...Object.entries(hosts).map(([name, values]): [ListName, string] => [name as ListName, hostText(values)]),
];

async function* whole(text: string): AsyncIterable<string> {
  yield text;
}

/** The same as it reaches a sink. */
const asDesired = (given: Given, revision: number): { desired: Desired; contents: Contents } => {
  const texts = textsOf(given);
  const advanced = advancedOf(advancedSettings.parse(given.advanced ?? {}));
  const artifacts = Object.entries(given.artifacts ?? {}).map(
    ([name, value]) => [name, JSON.stringify(value)] as const,
  );
  const smtp = {
    revision,
    ...withoutNull(smtpSettings.parse(given.smtp)),
    lists: Object.fromEntries(texts.map(([name, text]) => [name, { root: sha(text), entries: 1 }])),
    advanced: digestOf(advanced),
    artifacts: Object.fromEntries(artifacts.map(([name, text]) => [name, sha(text)])),
  };
  return {
    desired: { smtp, advanced } as unknown as Desired,
    contents: {
      lists: new Map(texts.map(([name, text]): [ListName, ListContent] => [name, whole(text)])),
      artifacts: new Map(artifacts.map(([name, text]) => [name, { text }])),
    },
  };
};

export interface Scanner {
  dir: string;
  /** Puts a configuration in force as the next revision. Answers how. */
  apply(given: Given): Promise<string | undefined>;
  /** Postfix's log. */
  logged(): string;
  /** Ends Postfix and the guard, and takes their folder away. */
  stop(): Promise<void>;
}

/** A Postfix with its guard, run by the sink; nothing runs before the first configuration. */
export const startScanner = async (
  wrap: (parts: PostfixParts, dir: string) => PostfixParts = (parts) => parts,
): Promise<Scanner> => {
  const dir = mkdtempSync(join(tmpdir(), 'sessions-'));
  chmodSync(dir, 0o711);
  const parts = await openPostfix({
    dir,
    id: 'mx1',
    hostName: 'mx1.example.com',
    installed: false,
    log: () => undefined,
  });
  const sink = postfixSink(wrap(parts, dir));
  let revision = 0;
  return {
    dir,
    apply(given) {
      revision += 1;
      const { desired, contents } = asDesired(given, revision);
      return sink.apply(desired, contents);
    },
    logged: () => readFileSync(join(dir, 'postfix', 'log', 'mail.log'), 'utf8'),
    async stop() {
      await sink.stop();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** IPv6 addresses of loopback that a test adds. Answers why it cannot; null where they are there, until `remove`. */
export const addLoopback = async (addresses: readonly string[]): Promise<string | null> => {
  try {
    for (const address of addresses)
      await runToSuccess('ip', ['-6', 'address', 'replace', `${address}/128`, 'dev', 'lo', 'nodad']);
    return null;
  } catch (error) {
    return `no IPv6 address can be added to loopback: ${(error as Error).message}`;
  }
};

export const removeLoopback = async (addresses: readonly string[]): Promise<void> => {
  for (const address of addresses)
    await runToSuccess('ip', ['-6', 'address', 'delete', `${address}/128`, 'dev', 'lo']).catch(
      () => undefined,
    );
};
