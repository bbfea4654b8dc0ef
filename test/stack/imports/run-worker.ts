import { readFileSync } from 'node:fs';
import { handler } from '../../../functions/workers/import.lambda.ts';

/** The import worker as a process of its own: one event from a file, and what came of it, with the most memory it took, on its last line. */
/** The peak of this program alone: what the system counts for a process begins with the peak of the one that forked it. */
const peakBytes = (): number => {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Falls through: only Linux has this file.
  }
  return process.resourceUsage().maxRSS * 1024;
};

const event = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Parameters<typeof handler>[0];
const result = await handler(event);
console.log(JSON.stringify({ result, maxRssBytes: peakBytes() }));
