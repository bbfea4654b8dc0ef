import { randomUUID } from 'node:crypto';
import { everyList, type Head } from '../../../shared/domain/configuration.ts';
import { createScanner as operation } from '../../../shared/operations/create-scanner.ts';
import { type Answer, httpStack } from '../../lib/http.ts';
import { emptyList, writeEmptyList } from '../../stores/lists.ts';
import { type ScannerRecord, createScanner as store } from '../../stores/scanners.ts';
import { once } from '../write.ts';
import { scannerAnswer } from './answer.ts';

/** Names a registration; of two of one id, the later is greater. */
const newEpoch = (now: Date): string => `r${now.toISOString()}-${randomUUID()}`;

const answerOf = ({ record, head }: { record: ScannerRecord; head: Head }): Answer => ({
  status: 201,
  body: scannerAnswer({ scanner: record, head }),
  headers: { location: `/v1/scanners/${record.scannerId}` },
});

export const createScanner = httpStack(operation, (call) =>
  once(call, async (remember) => {
    const { dryRun } = call.query;
    const empty = dryRun ? emptyList() : await writeEmptyList();
    const lists = everyList(empty);
    const asked = { actor: call.actor, operation: operation.id, at: call.now, dryRun };
    const registration = { ...call.body, epoch: newEpoch(call.now) };
    return answerOf(
      await store(registration, lists, asked, remember && ((made) => remember(answerOf(made)))),
    );
  }),
);
