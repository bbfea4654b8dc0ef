import { readFileSync } from 'node:fs';
import { handler } from '../../../functions/workers/import.lambda.ts';

/** The import worker as a process of its own: one event from a file, and what came of it, with the most memory it took, on its last line. */
const event = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Parameters<typeof handler>[0];
const result = await handler(event);
console.log(JSON.stringify({ result, maxRssBytes: process.resourceUsage().maxRSS * 1024 }));
