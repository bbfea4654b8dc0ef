import { AppError } from '../../../shared/errors.ts';
import { getImportReport as operation } from '../../../shared/operations/get-import-report.ts';
import { httpStack } from '../../lib/http.ts';
import { getJob } from '../../stores/imports.ts';
import { presignedGet } from '../../stores/presigned.ts';
import { reportKey } from '../../stores/reports.ts';

const linkSeconds = 900;

export const getImportReport = httpStack(operation, async ({ params, now }) => {
  const job = await getJob(params.importId);
  if (['created', 'uploaded', 'processing'].includes(job.state))
    throw new AppError('IMPORT_STATE', `The import is ${job.state}; there is no report yet.`);
  const { importId, counts, problems, problemsTotal, error } = job;
  const expiresAt = new Date(now.getTime() + linkSeconds * 1000).toISOString();
  const download =
    problemsTotal === 0
      ? {}
      : { download: { url: await presignedGet(reportKey(importId), linkSeconds), expiresAt } };
  const failure = error ? { error } : {};
  return { status: 200, body: { importId, ...failure, counts, problems, problemsTotal, ...download } };
});
