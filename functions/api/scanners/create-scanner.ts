import { randomUUID } from 'node:crypto';
import { createScanner as operation } from '../../../shared/operations/create-scanner.ts';
import { httpStack } from '../../lib/http.ts';
import { writeEmptyList } from '../../stores/lists.ts';
import { createScanner as store } from '../../stores/scanners.ts';
import { scannerAnswer } from './answer.ts';

export const createScanner = httpStack(operation, async ({ body, actor, now }) => {
  const empty = await writeEmptyList();
  const lists = { inbound: empty, outbound: empty, authentication: empty };
  const { record, head } = await store({ ...body, epoch: randomUUID() }, lists, { actor, at: now });
  return {
    status: 201,
    body: scannerAnswer({ scanner: record, head }),
    headers: { location: `/v1/scanners/${body.scannerId}` },
  };
});
