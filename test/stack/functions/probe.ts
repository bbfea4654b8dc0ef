import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What a test asks this function to do; it tells what it was given in a file that the test reads. */
interface Instructions {
  /** Sequence numbers, message bodies or event names that fail, and how often. */
  fail?: Record<string, number>;
}

const state = process.env['PROBE'] ?? '';
const attempts = (name: string): number =>
  existsSync(`${state}.log`)
    ? readFileSync(`${state}.log`, 'utf8')
        .split('\n')
        .filter((line) => line === name).length
    : 0;

const note = (name: string) => appendFileSync(`${state}.log`, `${name}\n`);

const fails = (name: string): boolean => {
  const { fail = {} } = JSON.parse(readFileSync(`${state}.json`, 'utf8')) as Instructions;
  note(name);
  return attempts(name) <= (fail[name] ?? 0);
};

interface Event {
  Records?: {
    messageId?: string;
    body?: string;
    dynamodb?: { SequenceNumber: string; Keys: { sk: { S: string } } };
  }[];
  name?: string;
  sleepMs?: number;
  environment?: string;
  crash?: boolean;
  /** Written to the log. */
  print?: string;
}

/** Handles records one by one and tells of those that fail; alone, does as the event says. */
export const handler = async (event: Event): Promise<unknown> => {
  if (event.Records) {
    const batchItemFailures = event.Records.filter((record) =>
      fails(record.body ?? record.dynamodb?.Keys.sk.S ?? ''),
    ).map((record) => ({ itemIdentifier: record.messageId ?? record.dynamodb?.SequenceNumber }));
    return { batchItemFailures };
  }
  if (event.print) console.log(event.print);
  if (event.crash) process.exit(3);
  if (event.sleepMs) await new Promise((resolve) => setTimeout(resolve, event.sleepMs));
  if (event.name && fails(event.name)) throw new TypeError(`asked to fail: ${event.name}`);
  return {
    value: event.environment ? process.env[event.environment] : (event.name ?? null),
    undefinedMember: undefined,
  };
};
