import { randomUUID } from 'node:crypto';
import { canActivate, isActive } from '../../../shared/domain/access-lists.ts';
import { newJob } from '../../../shared/domain/import-job.ts';
import { AppError } from '../../../shared/errors.ts';
import { createImport as operation } from '../../../shared/operations/create-import.ts';
import { limits, prefixes } from '../../../shared/tables.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { createJob } from '../../stores/imports.ts';
import { presignedUpload } from '../../stores/presigned.ts';

/** The form is good for an hour: long enough for a large file on a slow line, short enough to be forgotten. */
const uploadSeconds = 3600;

export const createImport = httpStack(operation, async ({ params, body, actor, now }) => {
  const { smtp } = (await readHead(params.scannerId)).configuration;
  const takes = body.activate ? canActivate(smtp, params.list) : isActive(smtp, params.list);
  if (!takes)
    throw new AppError('LIST_NOT_ACTIVE', `The ${params.list} section does not accept only listed clients.`);
  const importId = `imp-${randomUUID()}`;
  const key = `${prefixes.uploads}${importId}`;
  const base = { importId, ...params, source: { key }, createdBy: actor.name, createdAt: now.toISOString() };
  await createJob(newJob({ ...base, state: 'created' }, body));
  const { url, fields } = await presignedUpload(key, limits.importBytes, uploadSeconds);
  const expiresAt = new Date(now.getTime() + uploadSeconds * 1000).toISOString();
  return {
    status: 202,
    body: { importId, upload: { url, fields, maxBytes: limits.importBytes, expiresAt } },
  };
});
