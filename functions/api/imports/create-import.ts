import { randomUUID } from 'node:crypto';
import { canActivate, isActive, notActive } from '../../../shared/domain/access-lists.ts';
import { newJob } from '../../../shared/domain/import-job.ts';
import { createImport as operation } from '../../../shared/operations/create-import.ts';
import { limits, prefixes } from '../../../shared/tables.ts';
import { note } from '../../lib/followed.ts';
import { type Call, httpStack } from '../../lib/http.ts';
import { assertInService, readHead } from '../../stores/heads.ts';
import { beginJob } from '../../stores/imports.ts';
import { presignedUpload } from '../../stores/presigned.ts';
import { once } from '../write.ts';

/** The form is good for an hour: long enough for a large file on a slow line, short enough to be forgotten. */
const uploadSeconds = 3600;

type Create = Call<typeof operation>;

const assertTakes = async ({ params, body }: Create): Promise<void> => {
  const head = await readHead(params.scannerId);
  assertInService(head);
  const { smtp } = head.configuration;
  const takes = body.activate ? canActivate(smtp, params.list) : isActive(smtp, params.list);
  if (!takes) throw notActive(smtp, params.list);
};

const uploadOf = async (key: string, now: Date) => {
  const { url, fields } = await presignedUpload(key, limits.importBytes, uploadSeconds);
  const expiresAt = new Date(now.getTime() + uploadSeconds * 1000).toISOString();
  return { url, fields, maxBytes: limits.importBytes, expiresAt };
};

export const createImport = httpStack(operation, (call) =>
  once(call, async (remember) => {
    await assertTakes(call);
    const { params, body, actor, now } = call;
    const importId = `imp-${randomUUID()}`;
    const key = `${prefixes.uploads}${importId}`;
    note({ importId });
    const base = {
      importId,
      ...params,
      source: { key },
      createdBy: actor.name,
      requestId: actor.requestId,
      createdAt: now.toISOString(),
    };
    const answer = { status: 202, body: { importId, upload: await uploadOf(key, now) } };
    const asked = { actor, operation: operation.id, at: now };
    await beginJob(newJob({ ...base, state: 'created' }, body), asked, remember ? [remember(answer)] : []);
    return answer;
  }),
);
