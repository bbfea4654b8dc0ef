import { shownReport } from '../../../shared/domain/sync.ts';
import { getRevision as operation } from '../../../shared/operations/get-revision.ts';
import { httpStack } from '../../lib/http.ts';
import { readRevision } from '../../stores/heads.ts';
import { readReported } from '../../stores/status.ts';

export const getRevision = httpStack(operation, async ({ params }) => {
  const [{ configuration, ...revision }, [reported = null]] = await Promise.all([
    readRevision(params.scannerId, params.revision),
    readReported([params]),
  ]);
  return { status: 200, body: { ...revision, ...configuration, report: shownReport(reported) } };
});
