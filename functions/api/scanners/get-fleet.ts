import { fleetSums } from '../../../shared/domain/fleet.ts';
import { getFleet as operation } from '../../../shared/operations/get-fleet.ts';
import { httpStack } from '../../lib/http.ts';
import { listStandings } from '../../stores/standing.ts';

const pageSize = 1000;

export const getFleet = httpStack(operation, async ({ now }) => {
  const sums = fleetSums();
  let cursor: string | undefined;
  do {
    const page = await listStandings({ limit: pageSize, cursor });
    for (const standing of page.items) sums.add(standing);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { status: 200, body: sums.summary(now.toISOString()) };
});
